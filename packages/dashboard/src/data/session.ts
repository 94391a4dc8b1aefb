import type { Role } from "@samepage/controller/api";

/** Who is logged in. The token stays in this tab: session storage is gone when the tab closes. */
export interface Session {
  readonly token: string;
  readonly name: string;
  readonly role: Role;
}

const key = "samepage-session";

export function storedSession(): Session | null {
  const text = sessionStorage.getItem(key);
  if (text === null) return null;
  const session: Session = JSON.parse(text);
  return session;
}

export function storeSession(session: Session | null): void {
  if (session === null) sessionStorage.removeItem(key);
  else sessionStorage.setItem(key, JSON.stringify(session));
}

/** Viewers look, operators also act. */
export function mayAct(session: Session): boolean {
  return session.role !== "viewer";
}
