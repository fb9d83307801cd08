/** In place of a module of Node.js that a page never calls. */
export default {};
