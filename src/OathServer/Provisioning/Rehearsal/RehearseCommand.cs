using System.CommandLine;
using System.Globalization;

namespace OathServer.Provisioning.Rehearsal;

/// <summary><c>rehearse --keys N</c>: a whole rollout on virtual keys and throw-away data, with faults, before the real one.</summary>
internal static class RehearseCommand
{
    public static Command Create()
    {
        var keys = new Option<int>("--keys") { DefaultValueFactory = _ => 1000, Description = "How many keys (10 to 100000)." };
        var seed = new Option<int>("--seed") { DefaultValueFactory = _ => 1, Description = "Which faults come where; the same number gives the same rehearsal." };
        var puk = new Option<PukStrategy>("--puk") { DefaultValueFactory = _ => PukStrategy.Random, Description = "How PUKs are made." };
        var folder = new Option<string?>("--folder") { Description = "Where the throw-away data lies meanwhile; the system's temporary folder when left out." };
        var rehearse = new Command("rehearse",
            "Rehearses a rollout on virtual keys with pulled keys, drift, wrong user lists and a stopped node; exit 0 only if no key was left with an unknown secret and no first code was refused.")
        {
            keys, seed, puk, folder,
        };
        rehearse.SetAction(async (parsed, cancel) =>
        {
            var count = parsed.GetValue(keys);
            if (count is < 10 or > 100_000)
            {
                await Console.Error.WriteLineAsync("--keys: 10 to 100000.");
                return 2;
            }

            var parent = parsed.GetValue(folder) ?? Path.GetTempPath();
            var data = Directory.CreateDirectory(Path.Combine(parent, $"oathserver-rehearsal-{Guid.NewGuid():N}"));
            try
            {
                var result = await new Rollout(data.FullName, count, parsed.GetValue(seed), parsed.GetValue(puk)).RunAsync(cancel);
                Print(result);
                return result.Held ? 0 : 1;
            }
            finally
            {
                data.Delete(recursive: true);
            }
        });
        return rehearse;
    }

    private static void Print(RehearsalResult result)
    {
        Line("keys", result.Keys);
        Line("  pulled in the middle, resumed", result.Pulled);
        Line("  of them with the answer lost", result.AnswersLost);
        Line("  in flight when the node was stopped, resumed on the next", result.InFlight);
        Line("  pressed in the box before handout", result.Drifted);
        Line("wrong lines in the user list", result.WrongLines);
        Line("  of them refused before a key was touched", result.WrongLines - result.WrongLinesTaken);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{"keys a second, in process",-64} {result.Keys / result.Provisioning.TotalSeconds,8:F1}  ({result.Provisioning.TotalSeconds:F1} s)"));
        Console.WriteLine();
        Console.WriteLine("At handout:");
        Line("  keys not ready", result.NotReady);
        Line("  keys with a PIN, PUK, management key or seed we do not know", result.UnknownSecrets);
        Line("  first codes refused", result.FirstCodesRefused);
        Line("  codes accepted a second time", result.Replays);
        foreach (var line in result.Examples.Take(20))
        {
            Console.WriteLine("    " + line);
        }
    }

    private static void Line(string what, int count) => Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what,-64} {count,8}"));
}
