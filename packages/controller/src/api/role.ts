/** What an operator's token allows. Each role includes the ones before it. */
export const roles = ["viewer", "operator", "admin"] as const;

/** `viewer` reads; `operator` runs rollouts and labels or cordons hosts; `admin` also handles tokens and revokes hosts. */
export type Role = (typeof roles)[number];
