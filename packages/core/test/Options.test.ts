import { describe, expect, it } from "vitest"
import { Options } from "../src/index.ts"

describe("problem", () => {
  it.each<[string, Options.TaskOptions]>([
    ["nothing", {}],
    ["one attempt", { retry: 1 }],
    [
      "a policy",
      { retry: { attempts: 5, backoff: 0, factor: 1, maxBackoff: 0, jitter: false, errors: ["A"] } }
    ],
    ["a policy of defaults", { retry: {} }],
    ["the rest", { timeout: 0.5, memory: 1, annotations: [{ name: "a", value: undefined }] }]
  ])("is not found in %s", (_, options) => {
    expect(Options.problem(options)).toBeUndefined()
  })

  it.each<[unknown, string]>([
    [{ retry: 0 }, "the option retry.attempts is 0; it must be a whole number from 1"],
    [{ retry: 1.5 }, "the option retry.attempts is 1.5; it must be a whole number from 1"],
    [
      { retry: Number.POSITIVE_INFINITY },
      "the option retry.attempts is Infinity; it must be a whole number from 1"
    ],
    [{ retry: "3" }, "the option retry is '3'; it must be a number of attempts or a policy"],
    [{ retry: null }, "the option retry is null; it must be a number of attempts or a policy"],
    [{ retry: { attempts: "3" } }, "the option retry.attempts is '3'; it must be a whole number from 1"],
    [{ retry: { backoff: -1 } }, "the option retry.backoff is -1; it must be milliseconds from 0"],
    [{ retry: { factor: 0.5 } }, "the option retry.factor is 0.5; it must be a number from 1"],
    [
      { retry: { maxBackoff: Number.NaN } },
      "the option retry.maxBackoff is NaN; it must be milliseconds from 0"
    ],
    [{ retry: { jitter: "yes" } }, "the option retry.jitter is 'yes'; it must be true or false"],
    [
      { retry: { errors: "TypeError" } },
      "the option retry.errors is 'TypeError'; it must be a list of names of errors"
    ],
    [
      { retry: { errors: [TypeError] } },
      "the option retry.errors is [ [Function: TypeError] ]; it must be a list of names of errors"
    ],
    [{ timeout: 0 }, "the option timeout is 0; it must be milliseconds above 0 and below 2^31"],
    [
      { timeout: 2 ** 31 },
      "the option timeout is 2147483648; it must be milliseconds above 0 and below 2^31"
    ],
    [{ timeout: "1s" }, "the option timeout is '1s'; it must be milliseconds above 0 and below 2^31"],
    [{ memory: 0 }, "the option memory is 0; it must be a whole number of MiB above 0"],
    [{ memory: 512.5 }, "the option memory is 512.5; it must be a whole number of MiB above 0"],
    [
      { annotations: 5 },
      "the option annotations is 5; it must be a list of annotations' values, like [Priority(5)]"
    ],
    [
      { annotations: ["a"] },
      "the option annotations is [ 'a' ]; it must be a list of annotations' values, like [Priority(5)]"
    ],
    [5, "the options are 5; they must be an object"],
    [null, "the options are null; they must be an object"]
  ])("in %o names the field and says what would be right", (options, message) => {
    expect(Options.problem(options as Options.TaskOptions)).toBe(message)
  })
})

describe("resolveRetry", () => {
  it("tries once where nothing is said", () => {
    expect(Options.resolveRetry(undefined).attempts).toBe(1)
  })

  it("takes a number for attempts, and tries three times for a policy that does not say", () => {
    expect(Options.resolveRetry(7).attempts).toBe(7)
    expect(Options.resolveRetry({ backoff: 5 }).attempts).toBe(3)
  })

  it("fills in what is missing or undefined", () => {
    const defaults = { attempts: 3, backoff: 100, factor: 2, maxBackoff: 10_000, jitter: true }
    expect(Options.resolveRetry({})).toStrictEqual(defaults)
    expect(Options.resolveRetry({ backoff: undefined, errors: undefined } as never)).toStrictEqual(defaults)
    expect(Options.resolveRetry({ errors: ["A"], jitter: false })).toStrictEqual({
      ...defaults,
      jitter: false,
      errors: ["A"]
    })
  })
})

describe("merge", () => {
  const task: Options.TaskOptions = { retry: 2, timeout: 100, annotations: [{ name: "a", value: 1 }] }

  it("puts the call's options over the task's, field by field", () => {
    expect(Options.merge(task, { timeout: 5, memory: 256 })).toEqual({
      retry: 2,
      timeout: 5,
      memory: 256,
      annotations: [{ name: "a", value: 1 }]
    })
    expect(Options.merge({ retry: { attempts: 2, backoff: 5 } }, { retry: 4 })).toEqual({ retry: 4 })
  })

  it("keeps the annotations of both, the call's last", () => {
    const merged = Options.merge(task, { annotations: [{ name: "a", value: 2 }] })
    expect(merged.annotations).toEqual([
      { name: "a", value: 1 },
      { name: "a", value: 2 }
    ])
  })

  it("gives the task's own options back where the call has none", () => {
    expect(Options.merge(task, undefined)).toBe(task)
    expect(Options.merge({}, {})).toEqual({})
  })
})
