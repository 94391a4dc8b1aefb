import { useEffect, useRef, useState } from "preact/hooks";

/** A button whose deed asks back first, in a native dialog (focus is trapped and Escape closes it). */
export function ConfirmButton({ label, question, danger = false, onConfirm }: { readonly label: string; readonly question: string; readonly danger?: boolean; readonly onConfirm: () => Promise<void> }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [asking, setAsking] = useState(false);
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    if (asking) dialog.current?.showModal();
    else dialog.current?.close();
  }, [asking]);
  const confirm = () => {
    setBusy(true);
    void onConfirm().finally(() => {
      setBusy(false);
      setAsking(false);
    });
  };
  return (
    <>
      <button type="button" class={danger ? "danger" : ""} onClick={() => setAsking(true)}>
        {label}
      </button>
      <dialog ref={dialog} onClose={() => setAsking(false)} aria-label={label}>
        <p>{question}</p>
        <p class="actions">
          <button type="button" onClick={() => setAsking(false)}>
            No
          </button>
          <button type="button" class={danger ? "danger" : "primary"} disabled={busy} onClick={confirm}>
            {label}
          </button>
        </p>
      </dialog>
    </>
  );
}
