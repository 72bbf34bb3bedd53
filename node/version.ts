/** The version of this build. */

/** As people see it; `package.json` holds the same (a test compares them). */
export const VERSION = '0.1.0'
