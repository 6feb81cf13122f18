/**
 * `@weft/core`: the DAG language, and the interfaces for planners and behaviours.
 */
export * as Annotation from "./Annotation.ts"
export { type AnnotationValue, type AnyAnnotation, annotation } from "./Annotation.ts"
export * as Behaviour from "./Behaviour.ts"
export { behaviour } from "./Behaviour.ts"
export * as Codec from "./Codec.ts"
export { register as codec } from "./Codec.ts"
export { each } from "./Each.ts"
export type { Environment, Figures } from "./Environment.ts"
export * as Failure from "./Failure.ts"
export { RunCancelled, RunFailed } from "./Failure.ts"
export * as Flow from "./Flow.ts"
export * as Graph from "./Graph.ts"
export * as GraphBuilder from "./GraphBuilder.ts"
export * as GraphCodec from "./GraphCodec.ts"
export type { InstanceId } from "./Instance.ts"
export * as Instance from "./Instance.ts"
export * as Nesting from "./Nesting.ts"
export { type Arg, InvalidArgument, isNode, Node, type Resolved, type TaskReference } from "./Node.ts"
export type { Hints, RetryPolicy, TaskOptions } from "./Options.ts"
export * as Options from "./Options.ts"
export * as Plan from "./Plan.ts"
export * as Planner from "./Planner.ts"
export { planner } from "./Planner.ts"
export * as Predictions from "./Predictions.ts"
export { type AnyTask, isTask, type ResultOf, type Task, task } from "./Task.ts"
export {
  type AnyWorkflow,
  type InputSchema,
  isWorkflow,
  type Workflow,
  type WorkflowOptions,
  workflow
} from "./Workflow.ts"
