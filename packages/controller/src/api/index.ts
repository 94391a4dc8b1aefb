export { type ApiClient, createApiClient } from "./api-client.ts";
export type { ApiTarget } from "./api-call.ts";
export type { AuthorityStep, AuthorityView } from "./authority-view.ts";
export type { AuditView } from "./audit-view.ts";
export type { AgentCatalogView, CandidatesView, CandidateView, DriftCounts, FleetDriftView, GuestDriftView, LookForCandidates, RestoreFromTemplate } from "./catalog-view.ts";
export { ControllerError, type ControllerErrorCode, type ErrorBody } from "./controller-error.ts";
export type { EventBody, EventView } from "./event-view.ts";
export type { FleetSummaryView } from "./fleet-summary-view.ts";
export type { HealthView } from "./health-view.ts";
export type { GuestView, HostChange, HostFacts, HostView } from "./host-view.ts";
export { type KsmSettings, type Operation, type OperationKind, operationKinds, type TemplateTarget, type UnifySettings, type UpgradeSettings } from "./operation.ts";
export type { RolloutOutcomeView } from "./rollout-outcome-view.ts";
export type { HostReportView, OperationResult, RolloutReportView } from "./report-view.ts";
export { type Role, roles } from "./role.ts";
export type {
  CreateRollout,
  GateRequest,
  ProgressView,
  RolloutHostState,
  RolloutHostView,
  RolloutPlanView,
  RolloutState,
  RolloutSummary,
  RolloutView,
  RolloutWaveView,
} from "./rollout-view.ts";
export type { SavingsAmounts, SavingsView } from "./savings-view.ts";
export type { SessionView } from "./session-view.ts";
export type { BlackoutView, CalendarView, FleetOpeningsView, FleetOpeningView, OpeningView, WindowView } from "./window-view.ts";
export type { CatalogView, CompareWithTemplate, PublishTemplate, TemplateVersionView, TemplateView } from "./template-view.ts";
export type { CreatedToken, CreateEnrolmentToken, CreateOperatorToken, CreateToken, TokenView } from "./token-view.ts";
