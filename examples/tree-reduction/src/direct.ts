/** The same sum without weft: term by term, from the left. */
export const addUp = (size: number): number => {
  let sum = 0
  for (let k = 1; k <= size; k++) sum += 1 / (k * k)
  return sum
}

/** What it is by the Euler–Maclaurin formula: π²/6 without the rest of the series. For sizes from 100 exact to a double. */
export const exactly = (size: number): number =>
  Math.PI ** 2 / 6 - (1 / size - 1 / (2 * size ** 2) + 1 / (6 * size ** 3) - 1 / (30 * size ** 5))
