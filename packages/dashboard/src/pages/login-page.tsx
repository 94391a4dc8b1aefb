import type { SessionView } from "@samepage/controller/api";
import { useState } from "preact/hooks";
import { Notice } from "../components/notice.tsx";
import { requestJson } from "../data/request.ts";
import type { Session } from "../data/session.ts";

export function LoginPage({ onLogin }: { readonly onLogin: (session: Session) => void }) {
  const [problem, setProblem] = useState("");
  const [typed, setTyped] = useState("");
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const token = typed.trim();
    requestJson<SessionView>(token, "/v1/session").then(
      ({ name, role }) => onLogin({ token, name, role }),
      (error: unknown) => setProblem(error instanceof Error ? error.message : String(error)),
    );
  };
  return (
    <main class="login">
      <h1>Samepage</h1>
      <form onSubmit={submit}>
        <label for="token">Operator token</label>
        <input id="token" name="token" type="password" autocomplete="current-password" required autofocus value={typed} onInput={(event) => setTyped(event.currentTarget.value)} />
        <button type="submit" class="primary">
          Log in
        </button>
      </form>
      {problem === "" ? null : <Notice kind="error" text={problem} />}
      <p class="dim">
        A token is made with <code>samepage token create --operator NAME --role viewer</code>. It stays in this tab.
      </p>
    </main>
  );
}
