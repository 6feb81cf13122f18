/**
 * Which nodes carry an annotation, without looking at each of what may be a million.
 */
import { Annotation, type Graph, Plan } from "@weft/core"

/**
 * The nodes with the annotation, and its value.
 *
 * @throws {Annotation.InvalidAnnotation} if its schema refuses a value
 */
export const annotated = <T>(
  definition: Annotation.Annotation<string, T>,
  graph: Graph.Graph,
  plan: Plan.Plan
): ReadonlyMap<number, T> => {
  const values = new Map<number, T>()
  for (const node of candidates(definition.annotation, graph, plan)) {
    const value = Annotation.read(definition, Plan.annotationsOf(plan, graph, node), graph.label(node))
    if (value !== undefined) values.set(node, value)
  }
  return values
}

const candidates = (annotation: string, graph: Graph.Graph, plan: Plan.Plan): ReadonlySet<number> => {
  const { codes, options, tasks } = graph.columns
  const found = new Set<number>()
  const has = (values: ReadonlyArray<Annotation.AnnotationValue> | undefined) =>
    values?.some(({ name }) => name === annotation) ?? false
  const annotatedTasks = new Set(
    tasks.flatMap((task, index) => (has(task.options.annotations) ? [index] : []))
  )
  if (annotatedTasks.size > 0)
    for (const [node, code] of codes.entries()) if (annotatedTasks.has(code)) found.add(node)
  for (const [node, own] of options) if (has(own.annotations)) found.add(node)
  for (const [node, { annotations }] of plan.nodes)
    if (annotations?.[annotation] !== undefined) found.add(node)
  return found
}
