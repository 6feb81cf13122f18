/** Limits by control groups of Linux, of either version: one group for each environment. */
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { type Confinement, cpusOf, type Limits, LimitsError } from "./Confinement.ts"
import { peakMiB } from "./Processes.ts"

const MIB = 1024 * 1024
/**
 * The time in which a share is used up, in microseconds. With 128 MiB a function runs for 1.4 ms of every 20. The kernel's
 * default of 100 ms would let it wait for up to 93 ms at a stretch; it allows no less than 1 ms to run, so the period of a
 * smaller share is longer.
 */
const PERIOD_US = 20_000
const LEAST_QUOTA_US = 1400

/** A file of a group, and what is written into it. */
interface Setting {
  readonly file: string
  readonly value: string
  /** Not every kernel has it. */
  readonly isOptional?: boolean
}

/** What the versions differ in. Files are relative to the folders of a group. */
interface Version {
  readonly type: "cgroup-v1" | "cgroup-v2"
  readonly cpuShare: number
  /** Where a group's folder with the controller is made; in version 2 both are the same. */
  readonly parents: { readonly cpu: string; readonly memory: string }
  readonly memory: (bytes: number) => ReadonlyArray<Setting>
  /** @param quotaUs of each period; undefined: all that there is */
  readonly cpu: (quotaUs: number | undefined, periodUs: number) => ReadonlyArray<Setting>
  /** The file that counts the processes killed for their memory, as a line `oom_kill N`. */
  readonly kills: string
  /** The file that has the most that was used, in bytes. */
  readonly peak: string
}

/**
 * @param cpu where the cpu controller is mounted
 * @param memory where the memory controller is
 * @param cpuShare how much of a core of this machine one of Lambda's is
 */
export const version1 = (cpu: string, memory: string, cpuShare = 1): Limits =>
  limits({
    type: "cgroup-v1",
    cpuShare,
    parents: { cpu, memory },
    memory: (bytes) => [
      { file: "memory.limit_in_bytes", value: String(bytes) },
      // With the memory that is swapped out; only after the other.
      { file: "memory.memsw.limit_in_bytes", value: String(bytes), isOptional: true }
    ],
    cpu: (quotaUs, periodUs) => [
      { file: "cpu.cfs_period_us", value: String(periodUs) },
      { file: "cpu.cfs_quota_us", value: String(quotaUs ?? -1) }
    ],
    kills: "memory.oom_control",
    peak: "memory.max_usage_in_bytes"
  })

/**
 * @param parent a group whose children may have the controllers cpu and memory
 * @param cpuShare how much of a core of this machine one of Lambda's is
 */
export const version2 = (parent: string, cpuShare = 1): Limits =>
  limits({
    type: "cgroup-v2",
    cpuShare,
    parents: { cpu: parent, memory: parent },
    memory: (bytes) => [
      { file: "memory.max", value: String(bytes) },
      { file: "memory.swap.max", value: "0", isOptional: true },
      // An excess ends all its processes.
      { file: "memory.oom.group", value: "1", isOptional: true }
    ],
    cpu: (quotaUs, periodUs) => [{ file: "cpu.max", value: `${quotaUs ?? "max"} ${periodUs}` }],
    kills: "memory.events",
    peak: "memory.peak"
  })

const limits = (version: Version): Limits => {
  const { parents, type } = version
  const where = [...new Set([parents.memory, parents.cpu])].join(" and ")
  return {
    type,
    description: `Memory and CPU are limited by cgroups (${type === "cgroup-v1" ? "version 1" : "version 2"}) in ${where}.`,
    confine: (id, memoryMiB) =>
      Effect.try({
        try: () => make(version, id, memoryMiB),
        catch: (cause) => new LimitsError({ folder: where, cause })
      })
  }
}

const make = (version: Version, id: string, memoryMiB: number): Confinement => {
  const memory = join(version.parents.memory, id)
  const cpu = join(version.parents.cpu, id)
  const folders = [...new Set([memory, cpu])]
  const share = (lambdaCpus: number) => {
    const cpus = lambdaCpus * version.cpuShare
    const periodUs = Math.max(PERIOD_US, Math.ceil(LEAST_QUOTA_US / cpus))
    return version.cpu(cpus === cpusOf(Infinity) ? undefined : Math.round(cpus * periodUs), periodUs)
  }
  let kills = 0
  try {
    for (const folder of folders) mkdirSync(folder)
    write(memory, version.memory(memoryMiB * MIB))
    write(cpu, share(Math.max(1, cpusOf(memoryMiB))))
  } catch (error) {
    for (const folder of folders) tryRemove(folder)
    throw error
  }
  const killed = () => Number(/^oom_kill (\d+)$/m.exec(read(join(memory, version.kills)))?.[1] ?? 0)
  const members = () =>
    read(join(memory, "cgroup.procs"))
      .split("\n")
      .flatMap((line) => (line === "" ? [] : [Number(line)]))
  return {
    joinFiles: folders.map((folder) => join(folder, "cgroup.procs")),
    folders,
    watch: () => {
      kills = killed()
    },
    unwatch: () => {},
    slowDown: () => write(cpu, share(cpusOf(memoryMiB))),
    members,
    peakMiB: () => {
      const alive = members()
      // What the group counts has the files that were read, too, but is still there when the processes are not.
      return alive.length > 0 ? peakMiB(alive) : Number(read(join(memory, version.peak)) || 0) / MIB
    },
    isOutOfMemory: () => killed() > kills,
    close: Effect.forEach(folders, remove, { discard: true })
  }
}

const write = (folder: string, settings: ReadonlyArray<Setting>): void => {
  for (const { file, isOptional, value } of settings) {
    try {
      writeFileSync(join(folder, file), value)
    } catch (error) {
      if (isOptional !== true) throw error
    }
  }
}

/** What a file says; nothing if it is gone. */
const read = (path: string): string => {
  try {
    return readFileSync(path, "latin1")
  } catch {
    return ""
  }
}

/** For how long a group is waited for that still has processes: 2 s. */
const ATTEMPTS = 200
const BETWEEN_MS = 10

/** Ends what is left in a group, and removes it. */
const remove = Effect.fnUntraced(function* (folder: string) {
  for (let attempt = 0; attempt < ATTEMPTS && !tryRemove(folder); attempt++) {
    for (const pid of read(join(folder, "cgroup.procs")).split("\n")) {
      try {
        if (pid !== "") process.kill(Number(pid), "SIGKILL")
      } catch {
        // It has just ended.
      }
    }
    yield* Effect.sleep(BETWEEN_MS)
  }
})

/** Whether it is gone. */
const tryRemove = (folder: string): boolean => {
  try {
    rmdirSync(folder)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT"
  }
}
