/**
 * What runs in each of the engine's processes: the workers that the parent sends, with stores of their own. Goes on
 * without the parent if it must.
 */
import * as Effect from "effect/Effect"
import { captureConsole, captureStreams } from "../../TaskContext.ts"
import { connect } from "../Connections.ts"
import * as Leases from "../Leases.ts"
import { type FromVessel, isToVessel } from "../pool/Protocol.ts"
import { Runner } from "../pool/Runner.ts"
import { warnOnce } from "../pool/Warnings.ts"
import { Renewal } from "../Renewal.ts"
import { Deadlines } from "./Deadlines.ts"
import { type KnownRun, Orphan } from "./Orphan.ts"
import { type Crashed, isOpening, type ProcessSettings } from "./Protocol.ts"

const send = process.send?.bind(process)
if (send === undefined) throw new Error('this module is the entry of a process of the engine "processes"')
// The channel is not the tasks': what runs in them must not take itself for a child of anybody.
delete process.send

const settings = JSON.parse(process.argv[2]!) as ProcessSettings
const runs = new Map<string, KnownRun>()
let orphan: Orphan | undefined

const post = (message: FromVessel) => {
  deadlines.hear(message)
  if (process.connected) send(message, () => {})
}

const renewal = new Renewal(settings.parent, (run) => void runner.close(run))
const deadlines = new Deadlines((at) => renewal.setDeadline(at))

const runner: Runner = new Runner({
  settings,
  post,
  stores: (run) => connect(runs.get(run)!.opening.stores),
  leases: (run) => runs.get(run)?.leases ?? Leases.none,
  handOn: (run, invocations) =>
    Effect.suspend(() =>
      orphan === undefined
        ? Effect.sync(() => post({ type: "invoke", run, invocations }))
        : orphan.handOn(run, invocations)
    ),
  closed: (run) => {
    runs.delete(run)
    renewal.close(run)
  }
})

captureConsole()
captureStreams()
warnOnce()

process.on("message", (message) => {
  if (isToVessel(message)) runner.receive(message)
  else if (isOpening(message)) runs.set(message.run, { opening: message, leases: renewal.open(message) })
})

/** Whether whoever interrupts the parent means us, too, as a terminal does. */
let isInterrupted = false
process.on("SIGINT", () => {
  isInterrupted = true
})

process.on("disconnect", () => {
  if (isInterrupted) process.exit(0)
  orphan = new Orphan(runs, runner, settings)
  void orphan.goOn().then(() => process.exit(0))
})

// Nobody may read it any more.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {})

process.on("uncaughtException", (error: unknown) => {
  const described = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  if (!process.connected) process.exit(1)
  send({ type: "crashed", error: described } satisfies Crashed, () => process.exit(1))
})

post({ type: "ready" })
