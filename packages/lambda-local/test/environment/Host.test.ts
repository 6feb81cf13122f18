/** What is left when the process that has environments does not end as it should: nothing. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, expect, it, vi } from "vitest"
import { leftOf, open, processesWith, stateOf } from "./support.ts"

const services = new Set<ReturnType<typeof spawn>>()
/** For code that nobody removes, because its service is killed. */
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "weft-host-"))
})
afterEach(async () => {
  for (const service of services) service.kill("SIGKILL")
  services.clear()
  await rm(folder, { recursive: true, force: true })
})

/** A process of its own with one environment that is frozen and one that serves. */
const startService = async () => {
  const service = spawn(
    process.execPath,
    [...process.execArgv, join(import.meta.dirname, "fixtures/service.ts"), folder],
    {
      stdio: ["ignore", "pipe", "inherit"]
    }
  )
  services.add(service)
  const [line] = await once(service.stdout!.setEncoding("utf8"), "data")
  const functions = JSON.parse(line) as ReadonlyArray<number>
  return { service, pid: service.pid!, functions }
}

const allGone = (pid: number) =>
  vi.waitFor(async () => expect(await leftOf(pid)).toEqual([]), { timeout: 10_000 })

it("a service that is killed takes its environments with it, the frozen ones too", async () => {
  const { functions, pid, service } = await startService()
  expect(functions).toHaveLength(2)
  expect(await stateOf(functions[0]!)).toBe("T")
  expect((await leftOf(pid)).length).toBeGreaterThan(0)
  service.kill("SIGKILL")
  await once(service, "exit")
  await allGone(pid)
  for (const process of functions) expect(await stateOf(process)).toBeUndefined()
})

it("what a service leaves that was killed together with its guard, the next one removes", async () => {
  const { functions, pid, service } = await startService()
  const name = (await readdir(tmpdir())).find((entry) => entry.startsWith(`lambda-local-${pid}.`))!
  const guard = (await processesWith(join(tmpdir(), name))).filter((process) => !functions.includes(process))
  expect(guard).toHaveLength(1)
  process.kill(guard[0]!, "SIGKILL")
  service.kill("SIGKILL")
  await once(service, "exit")
  expect(await stateOf(functions[0]!)).toBe("T")
  await using lab = await open("export const handler = async () => 1")
  expect((await lab.invoke()).value).toBe(1)
  await allGone(pid)
  expect(await stateOf(functions[0]!)).toBeUndefined()
})

it("there is one guard for all environments, and none when there are none", async () => {
  const guards = async () => {
    const all = await processesWith(`lambda-local-${process.pid}.`)
    const words = await Promise.all(
      all.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => ""))
    )
    return all.filter((_, index) => words[index]!.includes("trap"))
  }
  {
    await using first = await open("export const handler = async () => 1")
    await using second = await open("export const handler = async () => 2")
    expect([(await first.invoke()).value, (await second.invoke()).value]).toEqual([1, 2])
    expect(await guards()).toHaveLength(1)
  }
  expect(await guards()).toEqual([])
  expect(await leftOf(process.pid)).toEqual([])
})
