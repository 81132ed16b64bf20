// The entry of every page: look, theme, live bits, keyboard in lists, dialogs, and the upload where there is one.

import "../css/app.css";
import { startClocks } from "./page/clocks.js";
import { bindDialogs } from "./page/dialogs.js";
import { bindLists } from "./page/lists.js";
import { bindLive } from "./page/live.js";
import { bindLiveList } from "./page/livelist.js";
import { bindOnce } from "./page/once.js";
import { bindRegions } from "./page/regions.js";
import { bindTheme } from "./page/theme.js";
import { bindWaits } from "./page/waits.js";
import { bindUpload } from "./upload/index.js";

bindLive();
bindOnce();
bindTheme();
bindLists();
bindLiveList();
bindDialogs();
bindRegions();
bindUpload();
startClocks();
bindWaits();
document.documentElement.dataset.ready = "app";
