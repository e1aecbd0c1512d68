using System.CommandLine;
using System.Text.Json;
using SecurityKeys;
using SecurityKeys.Cards;
using SecurityKeys.Cards.PcSc;

namespace OathServer.Keys;

/// <summary><c>keys list</c>, <c>keys info</c>, <c>keys watch</c>: what is in this machine's readers. Never spends a try.</summary>
internal static class KeysCommand
{
    private static readonly Option<bool> AsJson = new("--json") { Description = "For scripts." };

    public static Command Create()
    {
        var list = new Command("list", "Lists the readers and what is in them, without touching a key.") { AsJson };
        list.SetAction(parsed => Guarded(() => List(parsed.GetValue(AsJson))));

        var reader = new Option<string?>("--reader") { Description = "The reader's name, or a part of it. Every reader when left out." };
        var info = new Command("info", "Says what each key tells of itself: CUID, factory values, tries left, credentials.") { reader, AsJson };
        info.SetAction(parsed => Guarded(() => Info(parsed.GetValue(reader), parsed.GetValue(AsJson))));

        var watch = new Command("watch", "Tells of readers and keys coming and going, until stopped.") { AsJson };
        watch.SetAction((parsed, cancel) => WatchAsync(parsed.GetValue(AsJson), cancel));
        return new Command("keys", "Security keys in this machine's readers.") { list, info, watch };
    }

    private static int List(bool asJson)
    {
        using var context = new PcscContext();
        var readers = context.ListStatuses();
        if (asJson)
        {
            Console.WriteLine(KeyWords.Json(readers.Select(r => new { r.Reader, r.HasCard, Atr = Atr(r.AnswerToReset) })));
            return 0;
        }

        foreach (var found in readers)
        {
            Console.WriteLine($"{found.Reader}: {(found.HasCard ? $"a card, ATR {Atr(found.AnswerToReset)}" : "empty")}");
        }

        if (readers.Count == 0)
        {
            Console.WriteLine("No reader is attached. Insert a key, or start a virtual one: virtual-key --vpcd 127.0.0.1:35963");
        }

        return 0;
    }

    private static int Info(string? reader, bool asJson)
    {
        using var context = new PcscContext();
        var occupied = context.ListStatuses().Where(r => r.HasCard && (reader is null || r.Reader.Contains(reader, StringComparison.OrdinalIgnoreCase))).ToList();
        if (occupied.Count == 0)
        {
            Console.Error.WriteLine(reader is null ? "There is no key in any reader." : $"There is no key in a reader named like \"{reader}\".");
            return 2;
        }

        var reports = occupied.ConvertAll(r =>
        {
            using var connection = context.Connect(r.Reader);
            return SecurityKeyReport.Read(connection);
        });
        Console.WriteLine(asJson ? KeyWords.Json(reports.Select(KeyWords.Of)) : string.Join('\n', reports.SelectMany(KeyWords.Lines)));
        return 0;
    }

    private static async Task<int> WatchAsync(bool asJson, CancellationToken cancel)
    {
        try
        {
            await foreach (var change in ReaderWatch.WatchAsync(cancel))
            {
                Console.WriteLine(asJson
                    ? JsonSerializer.Serialize(new { change = change.Change.ToString(), reader = change.Reader, atr = Atr(change.AnswerToReset) })
                    : $"{Words(change.Change)}: {change.Reader}");
            }

            return 0;
        }
        catch (OperationCanceledException)
        {
            return 0;
        }
        catch (SmartCardException fault)
        {
            await Console.Error.WriteLineAsync(fault.Message);
            return 2;
        }
    }

    private static int Guarded(Func<int> act)
    {
        try
        {
            return act();
        }
        catch (SmartCardException fault)
        {
            Console.Error.WriteLine(fault.Message);
            return 2;
        }
    }

    private static string Words(ReaderChange change) => change switch
    {
        ReaderChange.ReaderArrived => "reader attached",
        ReaderChange.ReaderLeft => "reader gone",
        ReaderChange.KeyInserted => "key inserted",
        _ => "key removed",
    };

    private static string Atr(ReadOnlyMemory<byte> answer) => Convert.ToHexString(answer.Span);
}
