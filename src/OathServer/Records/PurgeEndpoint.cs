using System.CommandLine;
using Microsoft.AspNetCore.Http.HttpResults;
using OathServer.Access;
using OathServer.Audit;
using OathServer.Operations;
using OathServer.Storage;

namespace OathServer.Records;

/// <summary><c>POST /v1/people/purge</c>: the name in the body, so that no address tells it.</summary>
internal static class PurgeEndpoint
{
    private const int NamesMax = 20;
    private const int TextMax = 256;

    public static void MapPurge(this IEndpointRouteBuilder routes) =>
        routes.MapPost("/v1/people/purge", Purge).RequireAuthorization(Rules.Administer)
            .WithSummary("Erases a leaver's personal data, in the trail too, which still verifies. It cannot be undone.")
            .ProducesProblem(StatusCodes.Status400BadRequest).ProducesProblem(StatusCodes.Status409Conflict);

    private static async Task<Results<Ok<PurgeReport>, ProblemHttpResult>> Purge(
        PurgeRequest request, HttpContext http, OathDbContext db, PersonPurge purge, CancellationToken cancel)
    {
        string?[] names = [request.User, .. request.FormerNames ?? []];
        if (names.Length > NamesMax || Array.Exists(names, n => string.IsNullOrWhiteSpace(n) || n.Length > TextMax))
        {
            return Problem.BadField("user", $"1 to {TextMax} characters, and at most {NamesMax - 1} former names.");
        }

        try
        {
            return TypedResults.Ok(await purge.RunAsync(db, request, Actors.Of(http), cancel));
        }
        catch (PurgeRefusedException refusal)
        {
            return Problem.Conflict(refusal.Message, refusal.Next);
        }
    }
}

/// <summary><c>person purge</c> on the server's own machine.</summary>
internal static class PersonCommand
{
    public static Command Create()
    {
        var name = new Option<string>("--name") { Required = true, Description = "The person's name, as relying parties send it." };
        var realm = new Option<string>("--realm") { Description = "Their realm.", DefaultValueFactory = _ => "default" };
        var former = new Option<string[]>("--former-name") { Description = "A name they had before; repeat for several." };
        var retire = new Option<bool>("--retire") { Description = "Retires the keys and tokens they still hold." };
        var purge = new Command("purge", "Erases a leaver's personal data, in the trail too, which still verifies. It cannot be undone.") { name, realm, former, retire };
        purge.SetAction((parsed, cancel) => CommandHost.RunAsync(async (services, db) =>
        {
            try
            {
                var report = await ActivatorUtilities.CreateInstance<PersonPurge>(services).RunAsync(
                    db, new PurgeRequest(parsed.GetValue(realm)!, parsed.GetRequiredValue(name), parsed.GetValue(former), parsed.GetValue(retire)),
                    AuditEvent.OnThisMachine(), cancel);
                Console.WriteLine($"Erased: {report.Entries} entries of the trail no longer name the person; {report.Keys} keys and {report.Tokens} tokens are nobody's.");
                Console.WriteLine("Backups made before still do, until they are gone.");
                return 0;
            }
            catch (PurgeRefusedException refusal)
            {
                await Console.Error.WriteLineAsync($"{refusal.Message} {refusal.Next}");
                return 2;
            }
        }, cancel));
        return new Command("person", "People who hold keys.") { purge };
    }
}
