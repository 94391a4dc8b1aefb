import { expect, it } from "vitest";
import { renewalMoment } from "./renewal-moment.ts";

it("falls between 50 and 70 % of the certificate's life", () => {
  expect(renewalMoment(1000, 2000, () => 0)).toBe(1500);
  expect(renewalMoment(1000, 2000, () => 0.999999)).toBe(1699);
});
