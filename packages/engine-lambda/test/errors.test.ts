// What is wrong when a run is opened, each told with what to do.

import { startLambda } from "@weft/lambda-local"
import { EngineError } from "@weft/worker"
import { afterAll, describe, expect, it, vi } from "vitest"
import { byName, end, type Settings } from "../../worker/test/harness.ts"
import { type LambdaError, type LambdaOptions, lambda } from "../src/index.ts"
import { memoryServices } from "./fixtures/FakeLambda.ts"
import { double } from "./fixtures/tasks.ts"

const local = await startLambda({ accessKeyId: "AKIAKNOWN" })
afterAll(() => local.close())
const services = await memoryServices()

const refused = async (options: LambdaOptions, more: Partial<Settings> = {}): Promise<EngineError> => {
  const { credentials, region, url: endpoint } = local
  const thrown = await end(double(1), {
    engine: lambda({ endpoint, region, credentials, ...options }),
    module: "file:///elsewhere/tasks.ts",
    shared: { services, reference: { module: "shared", options: {} } },
    leaseMs: 60_000,
    ...more
  }).catch((error: unknown) => error)
  expect(thrown).toBeInstanceOf(EngineError)
  return thrown as EngineError
}

const reasonOf = ({ cause }: EngineError) => (cause as LambdaError).reason

describe("a run is refused", () => {
  it("without credentials", async () => {
    for (const name of ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"])
      vi.stubEnv(name, undefined)
    vi.stubEnv("AWS_EC2_METADATA_DISABLED", "true")
    vi.stubEnv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere/credentials")
    vi.stubEnv("AWS_CONFIG_FILE", "/nowhere/config")
    const { credentials: _, url, region } = local
    const engine = lambda({ endpoint: url, region })
    const error = await refused({}, { engine })
    vi.unstubAllEnvs()
    expect(reasonOf(error)).toBe("credentials")
    expect(error.message).toContain("AWS_ACCESS_KEY_ID")
  })

  it("with credentials that are not accepted", async () => {
    const error = await refused({ credentials: { accessKeyId: "AKIAOTHER", secretAccessKey: "x" } })
    expect(reasonOf(error)).toBe("credentials")
  })

  it("where nothing answers", async () => {
    const error = await refused({ endpoint: "http://127.0.0.1:1" })
    expect(reasonOf(error)).toBe("unreachable")
    expect(error.message).toContain("http://127.0.0.1:1")
  })

  it("in a region that there is not", async () => {
    const engine = lambda({ region: "eu-nowhere-9", credentials: local.credentials })
    const error = await refused({}, { engine })
    expect(reasonOf(error)).toBe("unreachable")
    expect(error.message).toContain("eu-nowhere-9")
  })

  it("before the workflow is deployed", async () => {
    const error = await refused({})
    expect(reasonOf(error)).toBe("missing")
    expect(error.message).toContain("weft-test")
    expect(error.message).toContain("weft deploy FILE")
  })

  it.each([64, 20_000])("with %i MiB of memory", async (memory) => {
    const error = await refused({ endpoint: "http://127.0.0.1:1" }, { plan: byName({ double: { memory } }) })
    expect(reasonOf(error)).toBe("memory")
    expect(error.message).toContain(`${memory} MiB`)
  })

  it("under a name that no deployment can have", async () => {
    expect((await refused({ name: "my flow" })).message).toContain('"my flow"')
  })

  it("without a store that functions get at", async () => {
    expect((await refused({}, { leaseMs: Number.POSITIVE_INFINITY })).message).toContain("redis://")
  })

  it("without a module", async () => {
    expect((await refused({}, { module: undefined } as never)).message).toContain("import.meta")
  })
})
