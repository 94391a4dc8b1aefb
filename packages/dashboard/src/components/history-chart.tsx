import { useEffect, useRef } from "preact/hooks";
import UPlot from "uplot";
import { formatBytes } from "../data/format.ts";

export interface Series {
  readonly label: string;
  /** A CSS custom property that names the colour. */
  readonly colour: string;
  /** Bytes, one for each time; null where nothing was measured. */
  readonly values: readonly (number | null)[];
}

const height = 220;

/** Bytes over time, one line for each kind of saving: they are never stacked, since they do not add up. */
export function HistoryChart({ label, times, series }: { readonly label: string; readonly times: readonly string[]; readonly series: readonly Series[] }) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    const style = getComputedStyle(element);
    const ink = style.getPropertyValue("--dim");
    const axis = { stroke: ink, grid: { stroke: style.getPropertyValue("--line"), width: 1 } };
    const plot = new UPlot(
      {
        width: element.clientWidth,
        height,
        legend: { live: false },
        axes: [axis, { ...axis, size: 70, values: (_, ticks) => ticks.map((tick) => formatBytes(tick)) }],
        series: [{}, ...series.map((one) => ({ label: one.label, stroke: style.getPropertyValue(one.colour), width: 2 }))],
      },
      [times.map((time) => Date.parse(time) / 1000), ...series.map(({ values }) => [...values])],
      element,
    );
    const observer = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      plot.destroy();
    };
  }, [times, series]);
  return <div class="chart" ref={place} role="img" aria-label={label} />;
}
