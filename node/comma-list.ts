/** Settings that are lists. */

/** The items of a text, separated by commas, without the blanks around them; anything else is as it is given. For schemas of settings. */
export const commaList = (value: unknown): unknown =>
  typeof value === 'string' ? value.split(',').map((each) => each.trim()) : value
