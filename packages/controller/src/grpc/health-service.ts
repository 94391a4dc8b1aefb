import { status, type ServerWritableStream } from "@grpc/grpc-js";
import { type HealthCheckRequest, type HealthCheckResponse, HealthCheckResponse_ServingStatus as Status, type HealthServer } from "@samepage/proto";

/** The services of the agents' port; the empty name stands for all of them. */
const services: ReadonlySet<string> = new Set(["", "samepage.v1.AgentService", "samepage.v1.EnrolmentService", "samepage.v1.CatalogService"]);

/** A change is told within this time, milliseconds. */
const lookMs = 5000;

/** Watches at the same time: they need no certificate, and a load balancer has one or two. */
const watchesAtMost = 64;

/**
 * grpc.health.v1.Health: open to anyone who reaches the port, like the HTTP health page; it says nothing about the fleet.
 * @param isServing whether this controller can work now
 */
export function createHealthService(isServing: () => Promise<boolean>): HealthServer {
  let watches = 0;
  const look = async () => ((await isServing()) ? Status.SERVING : Status.NOT_SERVING);
  const watch = async (call: ServerWritableStream<HealthCheckRequest, HealthCheckResponse>): Promise<void> => {
    if (!services.has(call.request.service)) {
      call.write({ status: Status.SERVICE_UNKNOWN });
      return;
    }
    let last: Status = Status.UNKNOWN;
    const tell = async () => {
      const now = await look();
      if (now === last || call.cancelled) return;
      last = now;
      call.write({ status: now });
    };
    await tell();
    if (call.cancelled) return;
    const timer = setInterval(() => void tell(), lookMs);
    call.on("cancelled", () => clearInterval(timer));
  };
  return {
    check: (call, callback) => {
      if (!services.has(call.request.service)) {
        callback({ code: status.NOT_FOUND, details: `there is no service ${call.request.service.slice(0, 200)}` });
        return;
      }
      const answer = async () => {
        callback(null, { status: await look() });
      };
      void answer();
    },
    watch: (call) => {
      if (watches >= watchesAtMost) {
        call.emit("error", { code: status.RESOURCE_EXHAUSTED, details: `${watchesAtMost} watch already` });
        return;
      }
      watches++;
      // Also when the connection is lost; nothing else ends a watch.
      call.on("cancelled", () => watches--);
      void watch(call);
    },
  };
}
