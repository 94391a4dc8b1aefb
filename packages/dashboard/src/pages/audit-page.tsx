import type { AuditView } from "@samepage/controller/api";
import { useEffect, useState } from "preact/hooks";
import { Notice } from "../components/notice.tsx";
import { type Column, VirtualTable } from "../components/virtual-table.tsx";
import { formatTime } from "../data/format.ts";
import { open } from "../data/request.ts";
import type { Session } from "../data/session.ts";

const columns: readonly Column<AuditView>[] = [
  { title: "When", width: "13rem", cell: (entry) => formatTime(entry.at) },
  { title: "Who", width: "minmax(6rem, 1fr)", cell: (entry) => entry.actor },
  { title: "Did", width: "minmax(7rem, 1fr)", cell: (entry) => entry.action },
  { title: "To", width: "minmax(7rem, 2fr)", cell: (entry) => entry.target },
  { title: "Detail", width: "minmax(8rem, 3fr)", minor: true, cell: (entry) => <code>{JSON.stringify(entry.detail)}</code> },
];

export function AuditPage({ session }: { readonly session: Session }) {
  const [entries, setEntries] = useState<readonly AuditView[]>([]);
  const [problem, setProblem] = useState("");
  useEffect(() => {
    const abort = new AbortController();
    open(session.token, "/v1/audit", { signal: abort.signal })
      .then(async (response) => response.text())
      .then(
        (text) => setEntries(parse(text).toReversed()),
        (error: unknown) => {
          if (!abort.signal.aborted) setProblem(error instanceof Error ? error.message : String(error));
        },
      );
    return () => abort.abort();
  }, [session.token]);
  return (
    <section class="fill">
      <h1>Audit</h1>
      {problem === "" ? null : <Notice kind="error" text={problem} />}
      <VirtualTable label="Audit, newest first" rows={entries} columns={columns} keyOf={(entry) => entry.id} />
    </section>
  );
}

/** JSON lines. */
function parse(text: string): readonly AuditView[] {
  const lines = text.split("\n").filter((line) => line !== "");
  return JSON.parse(`[${lines.join(",")}]`);
}
