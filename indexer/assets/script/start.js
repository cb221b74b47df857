// Everything begins here.

document.documentElement.classList.add("js");
setClock(document.getElementById("main"));
here(document);
tick(document);
setInterval(() => { if (!document.hidden) tick(document); }, 1000);
startLive();
startOrders();
