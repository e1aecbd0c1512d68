using System.Globalization;
using OathServer.Load;

// The running server under load, against peers, on this machine. See docs/performance.md.
var mode = args.FirstOrDefault() ?? "help";
var tokens = Number("--tokens", 100_000);
if (mode is "ratios" or "growth" or "drive" or "versus" or "timing" or "overload" or "soak")
{
    await PublishedServer.PrepareAsync(Option("--published"));
}

switch (mode)
{
    case "ratios":
        return await Ratios.RunAsync(tokens, Option("--store"));
    case "versus":
        return await Ratios.VersusAsync(tokens, Option("--other")!, Number("--connections", 64), Option("--store") == "postgresql");
    case "growth":
        return await Growth.RunAsync([1_000, 100_000, Number("--tokens", 1_000_000)]);
    case "advances":
        Console.WriteLine("case\tpeer\tours\tpeer\tratio");
        return await DurableAdvances.RunAsync(tokens, rounds: 5);
    case "import":
        return await ImportSpeed.RunAsync(tokens, Option("--store") == "postgresql");
    case "drive":
        return await Drive.RunAsync(tokens, Number("--connections", 64), Number("--seconds", 20), Option("--postgresql"), args.Contains("--allocations"));
    case "pages":
        return await PageSpeed.RunAsync(tokens, Option("--store") == "postgresql");
    case "timing":
        return await AnswerTimes.RunAsync(Number("--rounds", 20_000));
    case "audit":
        return await AuditCost.RunAsync(tokens, Option("--store") == "postgresql");
    case "overload":
        return await Overload.RunAsync(tokens, Number("--seconds", 60), Option("--store") == "postgresql");
    case "soak":
        return await Overload.SoakAsync(tokens, Number("--seconds", 60), Option("--store") == "postgresql");
    case AuditCost.Logged or AuditCost.Unlogged:
        await AuditCost.ServeAsync(mode == AuditCost.Logged);
        return 0;
    case "peer-bare":
        await Peers.Bare().RunAsync();
        return 0;
    case "peer-usual":
        await Peers.Usual(Environment.GetEnvironmentVariable("Load__Usual")!).RunAsync();
        return 0;
    default:
        Console.Error.WriteLine(
            """
            ratios     the published server against bare Kestrel and the usual shape, 1, 16 and 64 connections, on SQLite and
                       on PostgreSQL (started here from Debian's binaries), and durable advances alone; about 4 minutes
            growth     the same load on 1,000, 100,000 and 1,000,000 credentials; start-up; bytes a credential
            advances   durable advances alone at 64 callers, against a commit each
            import     a shipment of encrypted keys imported, against a SaveChanges each
            versus     the published server against one published before, --other FOLDER
            drive      one server held under load, for a profiler
            pages      each page of the console over so many keys: milliseconds and kilobytes
            timing     whether the time of a refusal tells its reason: unknown, wrong, throttled, suspended; --rounds (20000)
            audit      what it costs that every validation is in the trail, against the same server without entries
            overload   twice the load it can carry for --seconds (60): what is shed, how long the accepted wait, memory
            soak       60 % of it for --seconds (60): what grows
            Options: --tokens N   --store sqlite|postgresql   --published FOLDER (as it is, not published anew)
                     of drive: --connections N --seconds N --postgresql CONNECTION --allocations
            """);
        return 2;
}

int Number(string name, int otherwise) => Option(name) is { } text ? int.Parse(text, CultureInfo.InvariantCulture) : otherwise;

string? Option(string name)
{
    var at = Array.IndexOf(args, name);
    return at >= 0 && at + 1 < args.Length ? args[at + 1] : null;
}
