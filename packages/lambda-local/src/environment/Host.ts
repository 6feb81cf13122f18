/**
 * What all environments of this process share on this machine: a folder, and a guard that ends them if this process ends
 * without having done so.
 *
 * Each environment has a folder below: `tmp` is the function's own, `pid` has the id of its process (and group), `groups`
 * the cgroups that were made for it. This is all that the guard needs, and whoever finds the folder after guard and process
 * have been killed together.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { readFileSync } from "node:fs"
import { mkdtemp, readdir, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Writable } from "node:stream"

const PREFIX = "lambda-local-"

/** Ends all environments in the folder `$0`. With `$1`, only processes that can be seen to be theirs. */
const CLEAN = `
for e in "$0"/*/; do
  [ -f "$e/pid" ] && read -r p <"$e/pid" || p=
  if [ -n "$p" ] && { [ -z "$1" ] || grep -qaF "TMPDIR=\${e}tmp" "/proc/$p/environ"; }; then kill -9 -- "-$p"; fi
  [ -f "$e/groups" ] && while read -r g; do [ -f "$g/cgroup.procs" ] && kill -9 $(cat "$g/cgroup.procs"); done <"$e/groups"
done
n=0
while [ $n -lt 100 ]; do
  left=
  for e in "$0"/*/; do
    [ -f "$e/groups" ] && while read -r g; do [ -d "$g" ] && { rmdir "$g" || left=1; }; done <"$e/groups"
  done
  [ -z "$left" ] && break
  n=$((n + 1)); sleep 0.05
done
rm -rf "$0"`

/** Waits for a word from this process, which says that all has been done, or for its end. */
const GUARD = `trap '' HUP INT TERM
read -r _ && exit 0
${CLEAN}`

export interface Host {
  /** Of this process's environments. */
  readonly folder: string
  /** Unique among processes on this machine. */
  readonly name: string
}

interface Open {
  readonly host: Host
  readonly guard: ChildProcess
}

let users = 0
let open: Promise<Open> | undefined
let closing: Promise<void> = Promise.resolve()

/** For the time of one environment: then `leave`. */
export const enter = async (): Promise<Host> => {
  users++
  try {
    open ??= closing.then(start)
    return (await open).host
  } catch (error) {
    users--
    open = undefined
    throw error
  }
}

/** The last one out ends the guard, and removes the folder. */
export const leave = async (): Promise<void> => {
  users--
  if (users > 0 || open === undefined) return
  const last = open
  open = undefined
  closing = last.then(stop)
  await closing
}

const start = async (): Promise<Open> => {
  await sweep()
  const name = `${process.pid}.${startOf(process.pid) ?? 0}`
  const folder = await mkdtemp(join(tmpdir(), `${PREFIX}${name}-`))
  const guard = spawn("/bin/sh", ["-c", GUARD, folder], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"]
  })
  guard.stdin!.on("error", () => {})
  await once(guard, "spawn")
  guard.unref()
  ;(guard.stdin as Writable & { unref(): void }).unref()
  return { host: { folder, name }, guard }
}

const stop = async ({ guard, host }: Open): Promise<void> => {
  guard.ref()
  const isOver = guard.exitCode !== null || guard.signalCode !== null
  const exited = isOver ? undefined : once(guard, "exit")
  guard.stdin!.end("\n")
  await exited
  await rm(host.folder, { recursive: true, force: true })
}

/** Ends what processes have left that were killed together with their guard. */
const sweep = async (): Promise<void> => {
  const names = await readdir(tmpdir())
  await Promise.all(
    names.map(async (name) => {
      const match = /^lambda-local-(\d+)\.(\d+)-\w+$/.exec(name)
      if (match === null || isAlive(Number(match[1]), match[2]!)) return
      const cleaner = spawn("/bin/sh", ["-c", CLEAN, join(tmpdir(), name), "verify"], { stdio: "ignore" })
      await once(cleaner, "exit")
    })
  )
}

/** When a process was started, in ticks since this machine was: tells it from a later one with the same id. */
const startOf = (pid: number): string | undefined => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1")
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]
  } catch {
    return undefined
  }
}

const isAlive = (pid: number, start: string): boolean => {
  if (process.platform === "linux") return startOf(pid) === start
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM"
  }
}
