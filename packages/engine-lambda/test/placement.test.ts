// Preloading and prewarming on functions.
import { fileURLToPath } from "node:url"
import { afterAll, describe, vi } from "vitest"
import { module, testPlacement } from "../../worker/test/placement.ts"
import { deploy } from "./fixtures/Deployed.ts"

vi.setConfig({ testTimeout: 60_000 })

const deployed = await deploy({ file: fileURLToPath(module), sizes: [512, 1024] })
afterAll(() => deployed[Symbol.asyncDispose]())

const placed = (idleMs: number) => {
  const { engine, leaseMs, shared } = deployed.settings(deployed.engine({ idleMs }), 10_000)
  return { engine, leaseMs: leaseMs!, shared: shared! }
}

describe("lambda", () => {
  testPlacement([
    { waits: "long", ...placed(60_000) },
    { waits: "hardly", ...placed(1) }
  ])
})
