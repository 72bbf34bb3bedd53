/** The bundler makes a style sheet of what is imported. */
declare module '*.css'
