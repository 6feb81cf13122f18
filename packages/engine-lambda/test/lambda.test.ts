// End to end: bundled, deployed on a Lambda of this machine, over a real Redis.

import { each } from "@weft/core"
import { afterAll, describe, expect, it, vi } from "vitest"
import { end, value } from "../../worker/test/harness.ts"
import { deploy } from "./fixtures/Deployed.ts"
import { add, double, list } from "./fixtures/tasks.ts"

vi.setConfig({ testTimeout: 60_000 })

const deployed = await deploy()
afterAll(() => deployed[Symbol.asyncDispose]())
const { engine, settings } = deployed

it("gives the value", async () => {
  expect(await value(add(double(1), double(2)), settings(engine()))).toBe(6)
})
