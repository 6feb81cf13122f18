import { GraphBuilder, Planner, Predictions, planner, task } from "@weft/core"
import { Assignment, Model, Simulator, Timeline } from "@weft/planning"
import { Effect } from "effect"

const read = task("read", (file: string) => file.length, { hints: { executionMs: 200, outputBytes: 50e6 } })
const scale = task("scale", (size: number) => size / 2, { hints: { executionMs: 300, outputBytes: 10e6 } })
const join = task("join", (a: number, b: number) => a + b, { hints: { executionMs: 100 } })

const chooser = planner({
  name: "chooser",
  annotations: [],
  plan: ({ draft, graph, predictions }) => {
    const model = Model.make(graph, predictions)
    const shared = Assignment.flexible(graph, 1769)
    const together = Assignment.copy(shared)
    together.worker.fill(0)
    const [first, second] = [shared, together].map((one) => Timeline.evaluate(model, one).makespanMs)
    const best = first! <= second! ? shared : together
    for (let id = 0; id < graph.size; id++)
      draft.assign(id, best === together ? { worker: "w0", memory: 1769 } : { memory: 1769 })
    draft.note(`shared ${Math.round(first!)} ms, together ${Math.round(second!)} ms`)
  }
})

const { graph } = GraphBuilder.make(join(scale(read("a")), scale(read("b"))), "pictures")
const plan = await Effect.runPromise(Planner.run(chooser, graph, Predictions.none))
const simulation = await Effect.runPromise(Simulator.simulate({ graph, plan, predictions: Predictions.none }))

console.log(plan.notes.join())
console.log(
  `simulated ${Math.round(simulation.meanRunMs)} ms, ${simulation.workers.length} workers, $${simulation.cost.toFixed(6)}`
)
