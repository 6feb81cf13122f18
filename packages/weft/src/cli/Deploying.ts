/**
 * Deployments, as commands make them: which sizes, which code, and what people see meanwhile.
 */
import type { Behaviour, Plan, Planner } from "@weft/core"
import type { Deployment, DeployOptions, DeployStep } from "@weft/engine-lambda/deploy"
import { Sizes } from "@weft/worker"
import { Effect } from "effect"
import * as Client from "../internal/Client.ts"
import type { Job } from "../internal/Job.ts"
import * as StoreUrl from "../internal/StoreUrl.ts"
import { shownPath } from "./FailureText.ts"
import type { Place } from "./Places.ts"
import type { Choice } from "./PlannerFile.ts"
import { bytes } from "./Units.ts"

/** A job's plan, and the memory sizes that it needs, in MiB. */
export const planned = Effect.fnUntraced(function* (job: Job, { behaviours, planner }: Choice) {
  const plan = yield* Client.makePlan(job, { behaviours, planner })
  return { plan, memory: new Sizes(job.graph, plan).all() }
})

/** A planner that has this plan already. */
export const planner = (of: Planner.AnyPlanner, plan: Plan.Plan): Planner.AnyPlanner => ({
  name: of.name,
  annotations: of.annotations,
  plan: ({ draft }) => {
    const values = (annotations: Readonly<Record<string, unknown>> = {}) =>
      Object.entries(annotations).map(([name, value]) => ({ name, value }))
    draft.setMemory(plan.memory)
    draft.annotatePlan(...values(plan.annotations))
    for (const [node, { annotations, ...to }] of plan.nodes) {
      draft.assign(node, to)
      draft.annotate(node, ...values(annotations))
    }
    for (const note of plan.notes) draft.note(note)
    draft.predict(plan.timeline)
  }
})

/** What a command says of a deployment. */
export type Given = Omit<DeployOptions, "stores" | "behaviours" | "onStep">

/**
 * Deploys a workflow's file.
 *
 * @param place the store as functions reach it
 * @param say tells people what is being done
 */
export const deploy = (
  file: string,
  { objects, store }: Place,
  behaviours: ReadonlyArray<Behaviour.Behaviour>,
  given: Given,
  say: (line: string) => void
): Effect.Effect<Deployment, unknown> =>
  Effect.tryPromise({
    try: async () => {
      const { deploy } = await import("@weft/engine-lambda/deploy")
      return await deploy(file, {
        ...given,
        stores: await StoreUrl.fromUrl(store, objects),
        behaviours: modulesOf(behaviours),
        onStep: (step) => say(stepLine(step))
      })
    },
    catch: (error) => error
  })

/** The URLs of the modules that behaviours are found in. */
export const modulesOf = (behaviours: ReadonlyArray<Behaviour.Behaviour>): ReadonlyArray<string> => [
  ...new Set(behaviours.map(({ module }) => module))
]

/** What is being done. */
export const stepLine = (step: DeployStep): string => {
  switch (step.type) {
    case "bundle":
      return `Bundling ${shownPath(step.file, process.cwd())}`
    case "install":
      return `Installing ${step.packages.join(", ")} for ${step.target}`
    case "upload":
      return `Uploading ${bytes(step.bytes)} to ${step.function}`
    case "wait":
      return `Waiting for ${step.function}`
    case "check":
      return `Checking ${step.function} from inside`
  }
}
