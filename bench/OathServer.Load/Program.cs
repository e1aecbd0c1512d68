using System.Globalization;
using OathServer.Load;

// The running server under load, against peers, on this machine. See docs/performance.md.
var mode = args.FirstOrDefault() ?? "help";
var tokens = Option("--tokens") is { } count ? int.Parse(count, CultureInfo.InvariantCulture) : 100_000;
switch (mode)
{
    case "ratios":
        return await Ratios.RunAsync(tokens, Option("--postgresql"));
    case "advances":
        return await DurableAdvances.RunAsync(tokens, rounds: 5);
    case "import":
        return await ImportSpeed.RunAsync(tokens, Option("--postgresql"));
    case "peer-bare":
        await Peers.Bare().RunAsync();
        return 0;
    case "peer-usual":
        await Peers.Usual(Environment.GetEnvironmentVariable("Load__Usual")!).RunAsync();
        return 0;
    default:
        Console.Error.WriteLine(
            """
            ratios     the server against bare Kestrel and the usual shape, 1, 16 and 64 connections
            advances   durable advances alone at 64 callers, against a commit each
            import     a shipment of encrypted keys imported, against a SaveChanges each
            Options: --tokens N
            """);
        return 2;
}

string? Option(string name)
{
    var at = Array.IndexOf(args, name);
    return at >= 0 && at + 1 < args.Length ? args[at + 1] : null;
}
