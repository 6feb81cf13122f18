/** An environment of a function: what is kept from one invocation to the next. One invocation at a time is worked on. */
import { Renewal } from "@weft/worker"
import type { Sender } from "../Client.ts"
import type { Bundle } from "./Bundle.ts"
import { Connection } from "./Connection.ts"
import { Contexts } from "./Contexts.ts"
import { Modules } from "./Modules.ts"

/** The environment's variables. */
export type Variables = Readonly<Record<string, string | undefined>>

/** How others are invoked; `load` gets that ready. */
export interface EnvironmentSender extends Sender {
  readonly load: () => Promise<unknown>
}

/** Who is told that a task must end in time, and tells the thread that can end the process. */
class Guards {
  private readonly due = new Set<{ readonly at: number }>()
  private readonly set: (at: number | undefined) => void

  constructor(set: (at: number | undefined) => void) {
    this.set = set
  }

  guard(ms: number): () => void {
    const guard = { at: Date.now() + ms }
    this.due.add(guard)
    this.tell()
    return () => {
      this.due.delete(guard)
      this.tell()
    }
  }

  private tell(): void {
    this.set(this.due.size === 0 ? undefined : Math.min(...[...this.due].map(({ at }) => at)))
  }
}

/** The id of no process: nobody can end what blocks this one but the thread that renews leases. */
const NOBODY = -1

export class Environment {
  readonly bundle: Bundle
  readonly connection: Connection
  readonly modules: Modules
  readonly contexts: Contexts
  readonly sender: EnvironmentSender
  readonly renewal: Renewal
  readonly guards: Guards
  /** Of this function, in MiB. */
  readonly memoryMiB: number
  /** Of this function, as Lambda numbers it. */
  readonly functionVersion: string
  /** Whether nothing has been done here yet: then it was started for what is. */
  isFresh = true
  /** Ends the worker that runs here; the store says that its run is over. */
  interrupt: ((run: string) => void) | undefined

  constructor(bundle: Bundle, variables: Variables, sender: EnvironmentSender) {
    this.bundle = bundle
    this.sender = sender
    this.connection = new Connection(variables)
    this.modules = new Modules(bundle)
    this.contexts = new Contexts(this.modules)
    this.renewal = new Renewal(NOBODY, (run) => this.interrupt?.(run), bundle.renewal)
    this.guards = new Guards((at) => {
      if (at !== undefined) this.renewal.start()
      this.renewal.setDeadline(at)
    })
    this.memoryMiB = Number(variables.AWS_LAMBDA_FUNCTION_MEMORY_SIZE)
    this.functionVersion = variables.AWS_LAMBDA_FUNCTION_VERSION ?? "$LATEST"
  }
}
