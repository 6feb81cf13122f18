/** A set of pairs of small numbers, in one typed array: open addressing, linear probing. */
export class Pairs {
  private readonly stride: number
  /** Pairs as numbers, plus 1; 0 where there is none. */
  private table = new Float64Array(1024)
  private size = 0

  /** @param stride more than any second number */
  constructor(stride: number) {
    this.stride = stride
  }

  /** Adds a pair; whether it was not there. */
  add(first: number, second: number): boolean {
    const key = first * this.stride + second + 1
    const mask = this.table.length - 1
    let at = (Math.imul(first, 0x9e3779b1) ^ Math.imul(second, 0x85ebca6b)) >>> 7
    for (at &= mask; this.table[at] !== 0; at = (at + 1) & mask) if (this.table[at] === key) return false
    this.table[at] = key
    if (++this.size * 2 > this.table.length) this.grow()
    return true
  }

  private grow() {
    const { stride, table } = this
    this.table = new Float64Array(table.length * 4)
    this.size = 0
    for (const key of table) if (key > 0) this.add(Math.floor((key - 1) / stride), (key - 1) % stride)
  }
}
