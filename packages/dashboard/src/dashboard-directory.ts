import { fileURLToPath } from "node:url";

/** Directory of the built page, for a controller that serves it. Missing until `npm run build` has run. */
export const dashboardDirectory = fileURLToPath(new URL("../dist", import.meta.url));
