/**
 * What runs in each of the engine's threads: the workers that the main thread sends. The stores are there.
 */
import { parentPort, workerData } from "node:worker_threads"
import { Coordination, History, ObjectStore, Streams } from "@weft/storage"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { captureConsole, captureStreams } from "../../TaskContext.ts"
import * as Leases from "../Leases.ts"
import { type FromVessel, isToVessel, type ToVessel } from "../pool/Protocol.ts"
import { Runner } from "../pool/Runner.ts"
import type { VesselSettings } from "../pool/Vessel.ts"
import { warnOnce } from "../pool/Warnings.ts"
import { type Answer, type Call, portableInvocation, transferOf } from "./Protocol.ts"
import { Remote } from "./Remote.ts"

const port = parentPort
if (port === null) throw new Error('this module is the entry of a worker thread of the engine "threads"')

const post = (message: FromVessel | Call) => port.postMessage(message, transferOf(message))
const remote = new Remote(post)
const stores = Context.make(Coordination, remote.coordination).pipe(
  Context.add(ObjectStore, remote.objects),
  Context.add(Streams, remote.streams),
  Context.add(History, remote.history)
)

captureConsole()
captureStreams()
warnOnce()

const runner = new Runner({
  settings: workerData as VesselSettings,
  post,
  stores: () => Effect.succeed(stores),
  // The main thread does it.
  leases: () => Leases.none,
  handOn: (run, invocations) =>
    Effect.sync(() => post({ type: "invoke", run, invocations: invocations.map(portableInvocation) }))
})

port.on("message", (message: ToVessel | Answer) => {
  if (isToVessel(message)) runner.receive(message)
  else remote.receive(message)
})

post({ type: "ready" })
