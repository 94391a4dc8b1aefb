/** One line that the operator should read. Errors interrupt a screen reader, hints wait. */
export function Notice({ kind, text, onClose }: { readonly kind: "error" | "hint"; readonly text: string; readonly onClose?: () => void }) {
  return (
    <p class={`notice ${kind}`} role={kind === "error" ? "alert" : "status"}>
      {text}
      {onClose === undefined ? null : (
        <button type="button" onClick={onClose} aria-label="Dismiss">
          ×
        </button>
      )}
    </p>
  );
}
