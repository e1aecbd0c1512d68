using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization;
using OathServer.Operations;
using OathServer.Storage;

namespace OathServer.Validation.Elsewhere;

/// <summary><c>parallel-run</c>: who still lives on the old server, on the server's own machine.</summary>
internal static class ParallelRunCommand
{
    private const int PageSize = 1000;

    private static readonly JsonSerializerOptions indented = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    public static Command Create()
    {
        var left = new Option<bool>("--left") { Description = "Only who has no token here yet." };
        var moved = new Option<bool>("--moved") { Description = "Only who has one by now." };
        var json = new Option<bool>("--json") { Description = "As GET /v1/parallel-run answers, all pages in one." };
        var command = new Command("parallel-run", "Tells who still lives on the server that is being replaced. Ends with 1 while somebody does.") { left, moved, json };
        command.Validators.Add(result =>
        {
            if (result.GetValue(left) && result.GetValue(moved))
            {
                result.AddError("--left and --moved exclude one another; without either both are listed.");
            }
        });
        command.SetAction((parsed, cancel) => CommandHost.RunAsync((services, db) => RunAsync(
            services.GetRequiredService<ParallelRunPolicy>(), db,
            parsed.GetValue(left) ? false : parsed.GetValue(moved) ? true : null, parsed.GetValue(json), cancel), cancel));
        return command;
    }

    private static async Task<int> RunAsync(ParallelRunPolicy policy, OathDbContext db, bool? moved, bool json, CancellationToken cancel)
    {
        var report = await ParallelRunReport.ReadAsync(db, policy, moved, skip: 0, PageSize, cancel);
        var people = report.People.ToList();
        for (var page = report; page.People.Count == PageSize; people.AddRange(page.People))
        {
            page = await ParallelRunReport.ReadAsync(db, policy, moved, people.Count, PageSize, cancel);
        }

        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(report with { People = people }, indented));
            return report.Left > 0 ? 1 : 0;
        }

        Console.WriteLine(report.On ? $"The old server, {report.Server}, is asked about whoever has no token here." : "No old server is asked (ParallelRun:Server is not set).");
        if (people.Count > 0)
        {
            var width = Math.Clamp(people.Max(p => Name(p).Length), 4, 60);
            Console.WriteLine($"{"WHO".PadRight(width)}  {"WHERE",-5}  {"LOGINS",6}  {"LAST",-20}  OLD TOKEN");
            foreach (var person in people)
            {
                Console.WriteLine($"{Name(person).PadRight(width)}  {(person.Moved ? "here" : "there"),-5}  {person.Accepted,6}  {person.LastAcceptedAt:u}  {Printable(person.OldToken ?? "")}".TrimEnd());
            }
        }

        Console.WriteLine($"{report.Left} left on the old server, {report.Moved} moved; {report.Codes} codes of theirs are remembered.");
        return report.Left > 0 ? 1 : 0;
    }

    private static string Name(LivingElsewhere person) => Printable(
        person.Serial is { } serial ? $"serial {serial}"
        : person.Realm is null or ValidateEndpoint.DefaultRealm ? person.User ?? ""
        : $"{person.User} ({person.Realm})");

    /// <summary>A name that came over the wire, safe for a terminal.</summary>
    private static string Printable(string text) => new([.. text.Select(c => char.IsControl(c) ? '?' : c)]);
}
