/**
 * A run in this process as its user sees it: the streams, who tells of the progress, and what Ctrl-C does.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { RunEvent } from "../Events.ts"
import type { RunHandle } from "../internal/Handle.ts"
import { withLine } from "./Explain.ts"
import * as Interrupts from "./Interrupts.ts"
import { type Place, repeated, shown } from "./Places.ts"
import { Progress } from "./Progress.ts"
import * as Reporter from "./Reporter.ts"
import { takeOver, type Write } from "./Streams.ts"
import { isLive, type Style, styleFor } from "./Style.ts"

/** A run that is to be shown. */
interface Shown {
  readonly workflow: string
  /** How many nodes it has, as far as known. */
  readonly total: number
  /** Where it runs: `on threads`. */
  readonly about: string
}

/** A run that is begun here. */
interface Begun extends Shown {
  /** The store that it is in, if that is not this process's memory. */
  readonly place: Place | undefined
}

/** What a run's user sees. */
export interface Session {
  /** Writes to stdout. Nothing else does, as long as the session lasts. */
  readonly stdout: Write
  /** Writes lines to stderr. */
  readonly say: (lines: ReadonlyArray<string>) => void
  readonly style: Style
  /** With what code to end if the run was cancelled, since a signal asked for it. */
  readonly interruptedWith: () => number | undefined
  /** Begins a run and tells of it. */
  readonly begin: (run: Begun, begin: Begin<RunHandle<unknown>>) => Promise<RunHandle<unknown>>
  /** Tells of a run that others see to: who is interrupted only stops to look. */
  readonly watch: <Handle>(run: Shown, begin: Begin<Handle>) => Promise<Handle>
  /** No more is told of the progress. */
  readonly end: () => void
}

/** Begins, and tells `onEvent` all that happens. */
type Begin<Handle> = (onEvent: (event: RunEvent) => void) => Promise<Handle>

/** Opens a session; when its scope closes, the streams and signals are as they were. */
export const open = (quiet: boolean): Effect.Effect<Session, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.promise(() => make(quiet)),
    ({ close }) => Effect.sync(close)
  )

const now = () => performance.now()

const make = async (quiet: boolean): Promise<Session & { readonly close: () => void }> => {
  const style = styleFor(process.stderr)
  const isTerminal = isLive(process.stderr, process.env)
  const logUpdate = !quiet && isTerminal ? await import("log-update") : undefined
  const taken = takeOver((line) => reporter.line(line))
  const setting = { write: (text: string) => void taken.stderr(text), style, now }
  const reporter =
    logUpdate !== undefined
      ? Reporter.live(
          setting,
          logUpdate.createLogUpdate(screen(setting.write), { showCursor: true }),
          columns
        )
      : quiet
        ? Reporter.quiet(setting)
        : Reporter.plain(setting)
  let handle: RunHandle<unknown> | undefined
  let interruptedWith: number | undefined

  const stopListening = Interrupts.listen({
    first: (signal) => {
      if (handle === undefined) return false
      interruptedWith = Interrupts.codeOf(signal)
      if (!quiet) reporter.line(style("yellow", "Cancelling the run. Press Ctrl-C again to stop at once."))
      void handle.cancel(signal === "SIGINT" ? "Ctrl-C was pressed" : "the process was told to end")
      return true
    },
    unhandled: (error, isRejection) => {
      reporter.end()
      const what = isRejection
        ? "a promise that nothing awaits was rejected"
        : "an error that nothing handles"
      setting.write(
        `${style("red", "error:")} ${withLine(`${what}: ${String(error)}`, error, process.cwd())}\n`
      )
    }
  })

  const progressOf = ({ total, workflow }: Shown) => new Progress(workflow, total, now())
  const tellOf = (progress: Progress) => (event: RunEvent) => {
    progress.add(event, now())
    reporter.event(event)
  }

  return {
    stdout: taken.stdout,
    say: (lines) => setting.write(lines.map((line) => `${line}\n`).join("")),
    style,
    interruptedWith: () => interruptedWith,
    begin: async (run, begin) => {
      const progress = progressOf(run)
      reporter.begin(progress, run.about)
      handle = await begin(tellOf(progress))
      if (run.place !== undefined && !quiet) reporter.line(style("dim", howToGoOn(handle.run, run.place)))
      return handle
    },
    watch: async (run, begin) => {
      const progress = progressOf(run)
      const watching = await begin(tellOf(progress))
      // From now on nothing is missed.
      reporter.begin(progress, run.about)
      return watching
    },
    end: reporter.end,
    close: () => {
      reporter.end()
      taken.release()
      stopListening()
    }
  }
}

const howToGoOn = (run: string, place: Place) =>
  `run ${run} in ${shown(place)}; if this process dies: weft resume ${run}${repeated(place)}`

const columns = () => process.stderr.columns ?? 80

/** The terminal as log-update needs it. */
const screen = (write: (text: string) => void) =>
  ({
    write,
    isTTY: true,
    get columns() {
      return columns()
    },
    get rows() {
      return process.stderr.rows
    }
  }) as unknown as NodeJS.WritableStream
