/** How players name the tracks of a package to people. Pure. */

/** A track that people choose. */
export interface Labelled {
  /** BCP 47, `und` where it is not known. */
  readonly language: string
  /** Unique among those it was made with. */
  readonly label: string
}

let names: Intl.DisplayNames | undefined

/** The name of a language in English, or its tag. The names are loaded for the first who asks: that takes 15 ms. */
function nameOf(language: string): string {
  names ??= new Intl.DisplayNames(['en'], { type: 'language', fallback: 'code' })
  return names.of(language) ?? language
}

/** Languages and labels of tracks: the title of each, or its language in English; `Track 2` where neither is known. A second one of a name is numbered. */
export function labelled(tracks: readonly { readonly language: string; readonly title: string }[]): Labelled[] {
  const used = new Set<string>()
  return tracks.map(({ language: code, title }, at) => {
    const language = tagOf(code)
    const plain = title || (language === 'und' ? `Track ${at + 1}` : nameOf(language))
    let label = plain
    for (let number = 2; used.has(label); number++) label = `${plain} (${number})`
    used.add(label)
    return { language, label }
  })
}

/** The shortest tag of a language, as BCP 47 asks for it: `de` of `deu`. */
function tagOf(code: string): string {
  try {
    return Intl.getCanonicalLocales(code)[0] ?? 'und'
  } catch {
    return 'und'
  }
}
