import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

export interface Column<T> {
  readonly title: string;
  readonly cell: (row: T) => ComponentChildren;
  /** CSS grid track, e.g. `2fr` or `8rem`. */
  readonly width: string;
  readonly align?: "end";
  /** Left out on a narrow screen. */
  readonly minor?: boolean;
}

/** Fixed, so that the place of a row is known without rendering it; matches `.vrow` in style.css. */
const rowHeight = 36;
/** Rows rendered beyond each edge, so that fast scrolling does not show a gap. */
const overscan = 12;
/** Pixels of scrolling after which rows are exchanged: half of what lies beyond an edge. */
const scrollStep = (overscan / 2) * rowHeight;

/** A table that renders only what is in view: ten thousand rows cost what forty do. */
export function VirtualTable<T>({ label, rows, columns, keyOf }: { readonly label: string; readonly rows: readonly T[]; readonly columns: readonly Column<T>[]; readonly keyOf: (row: T) => string }) {
  const viewport = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 800 });
  useEffect(() => {
    const element = viewport.current;
    if (element === null) return undefined;
    // Drawn again only when rows are to be exchanged, not with every pixel.
    const measure = () => {
      const top = Math.floor(element.scrollTop / scrollStep) * scrollStep;
      const height = element.clientHeight;
      setView((before) => (before.top === top && before.height === height ? before : { top, height }));
    };
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    element.addEventListener("scroll", measure, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener("scroll", measure);
    };
  }, []);
  const first = Math.max(0, Math.floor(view.top / rowHeight) - overscan);
  const last = Math.min(rows.length, Math.ceil((view.top + view.height) / rowHeight) + overscan);
  const tracks = { "--tracks": columns.map(({ width }) => width).join(" "), "--narrow": columns.filter(({ minor }) => !minor).map(({ width }) => width).join(" ") };
  return (
    <div class="vtable" role="table" aria-label={label} aria-rowcount={rows.length + 1} style={tracks}>
      <div class="vrow head" role="row" aria-rowindex={1}>
        {columns.map(({ title, align, minor }) => (
          <span role="columnheader" key={title} class={cellClass(align, minor)}>
            {title}
          </span>
        ))}
      </div>
      <div class="viewport" ref={viewport} tabIndex={0} role="rowgroup" aria-label={`${label}, scrollable`}>
        <div style={{ height: `${rows.length * rowHeight}px` }} role="presentation">
          <div style={{ transform: `translateY(${first * rowHeight}px)` }} role="presentation">
            {rows.slice(first, last).map((row, index) => (
              <div class="vrow" role="row" aria-rowindex={first + index + 2} key={keyOf(row)}>
                {columns.map(({ title, cell, align, minor }) => (
                  <span role="cell" key={title} class={cellClass(align, minor)}>
                    {cell(row)}
                  </span>
                ))}
              </div>
            ))}
          </div>
        </div>
      </div>
    </div>
  );
}

function cellClass(align: "end" | undefined, minor: boolean | undefined): string {
  return [align ?? "", minor ? "minor" : ""].join(" ").trim();
}
