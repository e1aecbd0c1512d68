using System.Globalization;
using CsvHelper;

namespace OathServer.Pages;

/// <summary>A table for a spreadsheet, written as it is read: no list is too long for it.</summary>
internal static class CsvFile
{
    private static readonly CsvWriterOptions Form = new()
    {
        // A spreadsheet would run what begins with one of = + - @.
        Injection = CsvInjection.Escape,
    };

    /// <summary>Sends the table as a file of that name. Times are UTC in ISO 8601.</summary>
    public static IResult Of<T>(string name, IAsyncEnumerable<T> rows, params (string Head, Func<T, object?> Value)[] columns) =>
        new Answer<T>(name, rows, columns);

    private static string Text(object? value) => value switch
    {
        null => "",
        DateTimeOffset time => time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? "",
    };

    private sealed class Answer<T>(string name, IAsyncEnumerable<T> rows, (string Head, Func<T, object?> Value)[] columns) : IResult
    {
        public async Task ExecuteAsync(HttpContext http)
        {
            http.Response.ContentType = "text/csv; charset=utf-8";
            http.Response.Headers.ContentDisposition = $"attachment; filename=\"{name}\"";
            await using var csv = CsvWriter.Create(http.Response.Body, Form, leaveOpen: true);
            await csv.WriteRecordAsync(Array.ConvertAll(columns, c => c.Head), http.RequestAborted);
            await foreach (var row in rows.WithCancellation(http.RequestAborted))
            {
                await csv.WriteRecordAsync(Array.ConvertAll(columns, c => Text(c.Value(row))), http.RequestAborted);
            }

            await csv.FlushAsync(http.RequestAborted);
        }
    }
}
