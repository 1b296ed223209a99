/** Style sheets are imported for esbuild, which puts them into one file; they have no value. */
declare module '*.css';
