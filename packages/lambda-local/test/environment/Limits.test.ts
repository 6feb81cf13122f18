/** Memory and CPU: what is limited, and what a machine's files say of it. */
import { existsSync } from "node:fs"
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest"
import { version1, version2 } from "../../src/environment/Cgroup.ts"
import { cpusOf } from "../../src/environment/Confinement.ts"
import { detect, none } from "../../src/environment/Limits.ts"
import { leftOf, limits, open } from "./support.ts"

afterAll(async () => {
  expect(await leftOf(process.pid)).toEqual([])
})

it("1,769 MiB are one CPU, and no function has more than there are", () => {
  expect(cpusOf(1769, 8)).toBe(1)
  expect(cpusOf(128, 8)).toBeCloseTo(0.0724, 4)
  expect(cpusOf(10_240, 8)).toBeCloseTo(5.7886, 4)
  expect(cpusOf(10_240, 2)).toBe(2)
})

/** With enough of a core for little memory: initialising has its own limit of time. */
const quick = await Effect.runPromise(detect(10))

for (const { what, tested } of [
  { what: limits.type, tested: quick },
  // Where there are no cgroups it is the same.
  ...(limits.type === "none" ? [] : [{ what: none.type, tested: none }])
]) {
  describe.skipIf(process.platform !== "linux")(`limits: ${what}`, () => {
    it("a function that takes more memory than it has is killed, as AWS says it", async () => {
      await using lab = await open(
        `const held = []
        export const handler = async () => {
          for (;;) {
            held.push(Buffer.alloc(4_000_000, 1))
            await new Promise((resume) => setTimeout(resume, 2))
          }
        }`,
        { memoryMiB: 128, limits: tested }
      )
      expect(await lab.invoke({}, { id: "r-1" })).toMatchObject({
        error: {
          errorType: "Runtime.OutOfMemory",
          errorMessage: "RequestId: r-1 Error: Runtime exited with error: signal: killed"
        },
        unhandled: true,
        isUsable: false,
        maxMemoryMiB: 128
      })
      expect(await lab.ended()).toBe("Runtime.OutOfMemory")
    })

    it("one that takes too much while it initialises fails in the same way", async () => {
      await using lab = await open(
        `const held = []
        for (;;) {
          held.push(Buffer.alloc(4_000_000, 1))
          await new Promise((resume) => setTimeout(resume, 2))
        }`,
        { memoryMiB: 128, limits: tested }
      )
      expect(await lab.invoke()).toMatchObject({ error: { errorType: "Runtime.OutOfMemory" } })
    })

    it("the memory used is told", async () => {
      await using lab = await open(
        `const held = []
        export const handler = async ({ size }) => held.push(Buffer.alloc(size, 1))`,
        { limits: tested }
      )
      const [small, large] = [await lab.invoke({ size: 1000 }), await lab.invoke({ size: 100_000_000 })]
      expect(small.maxMemoryMiB).toBeGreaterThan(20)
      expect(small.maxMemoryMiB).toBeLessThan(150)
      expect(large.maxMemoryMiB - small.maxMemoryMiB).toBeGreaterThan(80)
      // The most so far.
      expect((await lab.invoke({ size: 1 })).maxMemoryMiB).toBeGreaterThanOrEqual(large.maxMemoryMiB)
    })
  })
}

it.skipIf(limits.type === "none")("a quarter of a CPU is all that a function with 442 MiB gets", async () => {
  await using lab = await open(
    `export const handler = async () => {
      const began = performance.now()
      const used = process.cpuUsage()
      while (performance.now() - began < 600);
      const { user, system } = process.cpuUsage(used)
      return (user + system) / 1000 / (performance.now() - began)
    }`,
    { memoryMiB: 442 }
  )
  const { value } = await lab.invoke()
  expect(value).toBeGreaterThan(0)
  expect(value).toBeLessThan(0.4)
})

describe("the files of a group", () => {
  let parent: string
  const read = (name: string) => readFile(join(parent, "it", name), "utf8")
  /** The kernel removes a group's files with it. */
  const empty = async () => {
    for (const name of await readdir(join(parent, "it"))) await rm(join(parent, "it", name))
  }

  beforeEach(async () => {
    parent = await mkdtemp(join(tmpdir(), "weft-cgroup-"))
  })
  afterEach(() => rm(parent, { recursive: true, force: true }))

  it("of version 2", async () => {
    const group = await Effect.runPromise(version2(parent).confine("it", 442))
    expect(group.joinFiles).toEqual([join(parent, "it/cgroup.procs")])
    expect(group.folders).toEqual([join(parent, "it")])
    expect(await read("memory.max")).toBe(String(442 * 1024 * 1024))
    expect(await read("memory.swap.max")).toBe("0")
    expect(await read("memory.oom.group")).toBe("1")
    // Initialisation has a whole CPU; where there is but one, that is no limit.
    expect(await read("cpu.max")).toBe(cpusOf(Number.POSITIVE_INFINITY) === 1 ? "max 20000" : "20000 20000")
    group.slowDown()
    expect(await read("cpu.max")).toBe("4997 20000")
    await writeFile(join(parent, "it/memory.events"), "low 0\noom 1\noom_kill 1\n")
    group.watch(1, () => {})
    expect(group.isOutOfMemory()).toBe(false)
    await writeFile(join(parent, "it/memory.events"), "low 0\noom 3\noom_kill 2\n")
    expect(group.isOutOfMemory()).toBe(true)
    await writeFile(join(parent, "it/memory.peak"), String(90 * 1024 * 1024))
    expect(group.peakMiB(1)).toBe(90)
    await empty()
    await Effect.runPromise(group.close)
    expect(existsSync(join(parent, "it"))).toBe(false)
  })

  it("a share of a core: ten environments that compute at once need no more than one", async () => {
    const group = await Effect.runPromise(version2(parent, 0.1).confine("it", 442))
    // A whole CPU of Lambda's is a tenth of one of this machine's.
    expect(await read("cpu.max")).toBe("2000 20000")
    group.slowDown()
    // A quarter of that; the kernel refuses quotas below 1 ms, so the period is longer.
    expect(await read("cpu.max")).toBe("1400 56032")
    await empty()
    await Effect.runPromise(group.close)
  })

  it("of version 1", async () => {
    const group = await Effect.runPromise(
      version1(parent, join(parent, "memory")).confine("it", 10_240)
    ).catch((error: unknown) => error)
    // Half a group is no group: the folder that could be made is gone again.
    expect(group).toMatchObject({ _tag: "LimitsError" })
    expect(existsSync(join(parent, "it"))).toBe(false)
    await mkdir(join(parent, "memory"))
    const made = await Effect.runPromise(version1(parent, join(parent, "memory")).confine("it", 128))
    expect(made.joinFiles).toEqual([join(parent, "memory/it/cgroup.procs"), join(parent, "it/cgroup.procs")])
    made.slowDown()
    expect(await read("cpu.cfs_period_us")).toBe("20000")
    expect(await read("cpu.cfs_quota_us")).toBe("1447")
    expect(await readFile(join(parent, "memory/it/memory.limit_in_bytes"), "utf8")).toBe("134217728")
    expect(await readFile(join(parent, "memory/it/memory.memsw.limit_in_bytes"), "utf8")).toBe("134217728")
  })
})
