using System.Text;
using OathServer.Access;
using OathServer.Readiness;
using OathServer.Storage;

namespace OathServer.Pages;

/// <summary>The exceptions of the five gaps as a table for a spreadsheet.</summary>
internal static class ReadinessCsv
{
    public static void Map(IEndpointRouteBuilder routes) =>
        routes.MapGet("/readiness.csv", WriteAsync).RequireAuthorization(Rules.Read).ExcludeFromDescription();

    private static async Task<IResult> WriteAsync(OathDbContext db, TimeProvider time, CancellationToken cancel, string? batch = null, string? profile = null)
    {
        var view = await FiveGaps.MeasureAsync(db, Null(batch), Null(profile), time.GetUtcNow(), cancel);
        var text = new StringBuilder("gap,what,key or token\r\n");
        foreach (var gap in view.Gaps)
        {
            foreach (var id in gap.Exceptions)
            {
                text.Append(System.Globalization.CultureInfo.InvariantCulture, $"{gap.Gap},{Cell(gap.What)},{Cell(id)}\r\n");
            }
        }

        return TypedResults.File(Encoding.UTF8.GetBytes(text.ToString()), "text/csv; charset=utf-8", "readiness.csv");
    }

    /// <summary>Quoted, and never a formula: a spreadsheet would run what begins with one of these.</summary>
    private static string Cell(string text) =>
        '"' + (text is ['=' or '+' or '-' or '@', ..] ? "'" + text : text).Replace("\"", "\"\"", StringComparison.Ordinal) + '"';

    private static string? Null(string? text) => string.IsNullOrEmpty(text) ? null : text;
}
