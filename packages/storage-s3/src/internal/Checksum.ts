/**
 * The checksum of a whole object, kept in its metadata. S3 checks what it is sent by checksums of its own, but tells
 * none for a range of an object, nor one of the whole for an object that was put in parts.
 */

const KEY = "weft-crc32"

export const toMetadata = (crc32: number): Record<string, string> => ({ [KEY]: crc32.toString(16) })

/** The checksum in an object's metadata; `undefined` if none is there. */
export const fromMetadata = (metadata: Readonly<Record<string, string>> | undefined): number | undefined => {
  const text = metadata?.[KEY]
  return text !== undefined && /^[0-9a-f]{1,8}$/.test(text) ? Number.parseInt(text, 16) : undefined
}

/** As S3 wants it in headers. */
export const toHeader = (crc32: number): string => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(crc32)
  return bytes.toString("base64")
}
