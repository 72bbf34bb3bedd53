/** Bytes of text in encodings older than UTF-8, which say nowhere which one they are: the language of the track is asked. Pure. */

/** Encodings by language (ISO 639-2); Western European is the usual one. */
const BY_LANGUAGE: Readonly<Record<string, string>> = {
  ces: 'windows-1250', cze: 'windows-1250', hrv: 'windows-1250', hun: 'windows-1250', pol: 'windows-1250', ron: 'windows-1250',
  rum: 'windows-1250', slk: 'windows-1250', slo: 'windows-1250', slv: 'windows-1250',
  bel: 'windows-1251', bul: 'windows-1251', mkd: 'windows-1251', mac: 'windows-1251', rus: 'windows-1251', srp: 'windows-1251', ukr: 'windows-1251',
  ell: 'windows-1253', gre: 'windows-1253', tur: 'windows-1254', heb: 'windows-1255', ara: 'windows-1256', fas: 'windows-1256', per: 'windows-1256',
  est: 'windows-1257', lav: 'windows-1257', lit: 'windows-1257', vie: 'windows-1258', tha: 'windows-874',
  jpn: 'shift_jis', kor: 'euc-kr', zho: 'gb18030', chi: 'gb18030',
} // biome-ignore format: groups

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** A reader of the texts of one track. */
export interface TextReader {
  read(bytes: Buffer): string
  /** The encoding of texts that were no UTF-8; null where all were. */
  readonly legacy: string | null
}

/** Reads UTF-8, and what is none in the encoding that is usual for `language` (three letters, '' where unknown). */
export function textReader(language: string): TextReader {
  const encoding = BY_LANGUAGE[language] ?? 'windows-1252'
  const older = new TextDecoder(encoding)
  let legacy: string | null = null
  return {
    read(bytes) {
      try {
        return utf8.decode(bytes)
      } catch {
        legacy = encoding
        return older.decode(bytes)
      }
    },
    get legacy() {
      return legacy
    },
  }
}
