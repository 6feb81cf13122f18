/**
 * The colours of pictures: on white paper, with text that is legible on all of them.
 */

/**
 * One for each task, in the order of their first appearance; when they are used up they begin again. The first eight
 * are of Paul Tol's "light" scheme, made for filling labelled cells and told apart with any colour vision; then come
 * those of his "pale" scheme, which are less distinct. Labels name the task in any case.
 */
const fills = [
  ...["#77aadd", "#eedd88", "#ee8866", "#44bb99", "#ffaabb", "#99ddff", "#bbcc33", "#dddddd"],
  ...["#bbccee", "#eeeebb", "#ffcccc", "#ccddaa", "#cceeff"]
]

/** The colour of a task's boxes, by the task's index. */
export const fill = (task: number): string => fills[task % fills.length]!

export const paper = "#ffffff"
export const text = "#1f2328"
/** Text beside the picture's point, and the places where an `each` opens and ends. */
export const faint = "#656d76"
export const arrow = "#8c959f"
/** Boxes' outline: clear black, which darkens the fill. */
export const outline = "#00000040"
/** The outline of what was asked for. */
export const target = "#1f2328"
/** The body of an `each`: clear, so that one inside another is darker. */
export const cluster = { fill: "#5a6e8214", border: "#5a6e8266" }
