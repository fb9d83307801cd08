/** Node's path, as JupyterLab's client asks for it: with `posix`. */
import path from "path-browserify";

export const posix = path;
export default { ...path, posix: path };
