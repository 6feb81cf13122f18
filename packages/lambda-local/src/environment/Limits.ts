/** Finds out how this machine allows to limit memory and CPU. */
import { spawnSync } from "node:child_process"
import { randomUUID } from "node:crypto"
import { readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import * as Effect from "effect/Effect"
import { version1, version2 } from "./Cgroup.ts"
import { type Limits, none } from "./Confinement.ts"

export { type Limits, none } from "./Confinement.ts"

/**
 * Cgroups of version 2, then of version 1, then `none`: the first that works when it is tried.
 *
 * @param cpuShare how much of a core of this machine one of Lambda's is
 */
export const detect = Effect.fnUntraced(function* (cpuShare = 1): Effect.fn.Return<Limits> {
  const mounts = read("/proc/self/mounts")
  const candidates = [...candidates2(mounts, read("/proc/self/cgroup")), ...candidates1(mounts)]
  for (const candidate of candidates) {
    const limits = candidate(cpuShare)
    if (yield* works(limits)) return limits
  }
  return none
})

/** Makes a group, and lets a process join it. */
const works = (limits: Limits): Effect.Effect<boolean> =>
  Effect.gen(function* () {
    const confinement = yield* Effect.acquireRelease(
      limits.confine(`lambda-local-probe-${randomUUID()}`, 1769),
      ({ close }) => close
    )
    const { status } = spawnSync(
      "/bin/sh",
      ["-c", 'for f do echo $$ >"$f" || exit 1; done', "sh", ...confinement.joinFiles],
      { stdio: "ignore" }
    )
    return status === 0
  }).pipe(
    Effect.scoped,
    Effect.catch(() => Effect.succeed(false))
  )

/** The group of this process and those around it, from the inside, as far as their children may have both controllers. */
const candidates2 = (mounts: string, own: string): ReadonlyArray<(cpuShare: number) => Limits> => {
  const root = mountedAt(mounts, "cgroup2", () => true)
  const path = /^0::(\/.*)$/m.exec(own)?.[1]
  if (root === undefined || path === undefined) return []
  const groups: Array<string> = []
  for (let group = path; ; group = dirname(group)) {
    groups.push(join(root, group))
    if (group === "/") break
  }
  return groups.filter(canHaveChildren).map((group) => (cpuShare) => version2(group, cpuShare))
}

const canHaveChildren = (group: string): boolean => {
  const has = (file: string) => {
    const controllers = read(join(group, file)).trim().split(" ")
    return controllers.includes("cpu") && controllers.includes("memory")
  }
  if (!has("cgroup.controllers")) return false
  if (has("cgroup.subtree_control")) return true
  try {
    // Not allowed where the group has processes itself.
    writeFileSync(join(group, "cgroup.subtree_control"), "+cpu +memory")
    return true
  } catch {
    return false
  }
}

const candidates1 = (mounts: string): ReadonlyArray<(cpuShare: number) => Limits> => {
  const of = (controller: string) => mountedAt(mounts, "cgroup", (options) => options.includes(controller))
  const [cpu, memory] = [of("cpu"), of("memory")]
  return cpu === undefined || memory === undefined ? [] : [(cpuShare) => version1(cpu, memory, cpuShare)]
}

const mountedAt = (
  mounts: string,
  type: string,
  isIt: (options: ReadonlyArray<string>) => boolean
): string | undefined =>
  mounts
    .split("\n")
    .map((line) => line.split(" "))
    .find((fields) => fields[2] === type && isIt(fields[3]?.split(",") ?? []))?.[1]

const read = (path: string): string => {
  try {
    return readFileSync(path, "latin1")
  } catch {
    return ""
  }
}
