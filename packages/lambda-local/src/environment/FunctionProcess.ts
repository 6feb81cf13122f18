/** The process in which a function runs: the first of a process group, which is stopped, continued and killed as a whole. */
import { type ChildProcess, spawn } from "node:child_process"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type { Confinement } from "./Confinement.ts"
import type { Exit } from "./Outcome.ts"
import type { Output } from "./Output.ts"
import { type Activity, activityOf } from "./Processes.ts"

/**
 * Becomes the program, after it has written down its id and joined its groups: the program is limited from its first
 * instruction. `$0` is the environment's folder, then come the groups' files, "--", and the program with its arguments.
 */
const BECOME = `echo $$ >"$0/pid" || exit 125
while [ "$1" != -- ]; do echo $$ >"$1" || exit 125; shift; done
shift; exec "$@"`

/** How long the streams of a process that has ended may be held open by others, in ms. */
const LAST_WORDS_MS = 200

export interface ProcessOptions {
  /** The environment's own. */
  readonly folder: string
  readonly workingFolder: string
  readonly args: ReadonlyArray<string>
  readonly variables: Readonly<Record<string, string>>
  readonly confinement: Confinement
  readonly output: Output
}

export class FunctionProcess {
  readonly #child: ChildProcess | undefined
  readonly #confinement: Confinement
  readonly #exited = Deferred.makeUnsafe<Exit>()
  #isOver = false

  constructor({ args, confinement, folder, output, variables, workingFolder }: ProcessOptions) {
    this.#confinement = confinement
    try {
      this.#child = spawn(
        // Not looked for: the PATH is the function's.
        "/bin/sh",
        ["-c", BECOME, folder, ...confinement.joinFiles, "--", process.execPath, ...args],
        { cwd: workingFolder, env: variables, stdio: ["ignore", "pipe", "pipe"], detached: true }
      )
    } catch (error) {
      this.#failed(output, error)
      return
    }
    const child = this.#child
    output.read(child.stdout!)
    output.read(child.stderr!)
    child.once("error", (error) => {
      if (child.pid === undefined) this.#failed(output, error)
    })
    child.once("exit", (code, signal) => {
      // What it has started does not outlive it, and does not hold its streams.
      this.signal("SIGKILL")
      this.#isOver = true
      confinement.unwatch()
      const over = () => {
        clearTimeout(late)
        Deferred.doneUnsafe(this.#exited, Effect.succeed({ code, signal }))
      }
      const late = setTimeout(over, LAST_WORDS_MS)
      child.once("close", over)
    })
    if (child.pid !== undefined) confinement.watch(child.pid, () => this.signal("SIGKILL"))
  }

  /** Resolves when it has ended and all that it printed has been read. */
  get exited(): Effect.Effect<Exit> {
    return Deferred.await(this.#exited)
  }

  /** The most memory that it has used, and all it has started. */
  get peakMiB(): number {
    return this.#child?.pid === undefined ? 0 : this.#confinement.peakMiB(this.#child.pid)
  }

  /** What it does with the CPU, if that can be told. */
  get activity(): Activity | undefined {
    return this.#child?.pid === undefined || this.#isOver ? undefined : activityOf(this.#child.pid)
  }

  freeze(): void {
    this.#confinement.unwatch()
    this.signal("SIGSTOP")
  }

  resume(): void {
    const pid = this.#child?.pid
    if (pid !== undefined && !this.#isOver) this.#confinement.watch(pid, () => this.signal("SIGKILL"))
    this.signal("SIGCONT")
  }

  /** Sends the signal to all processes of the function. */
  signal(signal: NodeJS.Signals): void {
    const pid = this.#child?.pid
    // Its id may be another's by now.
    if (pid === undefined || this.#isOver) return
    for (const target of [-pid, ...this.#confinement.members()]) {
      try {
        process.kill(target, signal)
      } catch {
        // It has ended.
      }
    }
  }

  #failed(output: Output, error: unknown): void {
    output.add(`The process could not be started: ${String(error)}\n`)
    Deferred.doneUnsafe(this.#exited, Effect.succeed({ code: 126, signal: null }))
  }
}
