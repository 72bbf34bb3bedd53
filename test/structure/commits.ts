/** What a machine can check of a commit's message: the subject's length and mood, and that a body says why. */

export interface Commit {
  readonly subject: string
  readonly body: string
}

const SUBJECT_CHARACTERS_MAX = 72
/** Words that end as a past tense, a participle or a third person does, and are none. */
const IMPERATIVES = /^(?:bring|ping|notify|string|feed|need|seed|embed|shed|speed|proceed|succeed|exceed|focus|bus)$/i
const OTHER_FORM = /(?:ed|ing|[^su]s)$/i

/** One sentence for each rule that the message breaks. */
export function messageProblems({ subject, body }: Commit): string[] {
  const [first = ''] = subject.split(' ')
  const problems = {
    [`is longer than ${SUBJECT_CHARACTERS_MAX} characters`]: subject.length > SUBJECT_CHARACTERS_MAX,
    'does not begin with a capital letter': !/^\p{Lu}/u.test(first),
    'does not begin with an imperative (Add, not Added, Adds or Adding)':
      OTHER_FORM.test(first) && !IMPERATIVES.test(first),
    'ends with a full stop': subject.endsWith('.'),
    'has no body that says why': body.trim() === '',
  }
  return Object.entries(problems).flatMap(([problem, isSo]) => (isSo ? [`"${subject}" ${problem}`] : []))
}
