/** `GET /v1/fleet`: the fleet in four figures, read without reading its hosts. */
export interface FleetSummaryView {
  /** That ever enrolled. */
  readonly hosts: number;
  readonly online: number;
  /** Left out of new work. */
  readonly cordoned: number;
  /** On all hosts, as their agents last said. */
  readonly guests: number;
}
