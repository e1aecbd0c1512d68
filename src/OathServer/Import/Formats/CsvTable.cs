using System.Globalization;
using CsvHelper;
using CsvHelper.Configuration;

namespace OathServer.Import.Formats;

/// <summary>A row and the line it starts on.</summary>
internal readonly record struct CsvRow(int Line, string[] Fields);

/// <summary>Rows of separated values (RFC 4180): fields trimmed, empty lines and <c>#</c> comments left out.</summary>
internal sealed class CsvTable : IDisposable
{
    private const int FieldMax = 4096;

    private readonly CsvParser parser;

    public CsvTable(TextReader text, char separator, bool comments = false) => parser = new CsvParser(text, new CsvConfiguration(CultureInfo.InvariantCulture)
    {
        Delimiter = separator.ToString(),
        HasHeaderRecord = false,
        IgnoreBlankLines = true,
        AllowComments = comments,
        Comment = '#',
        TrimOptions = TrimOptions.Trim,
        MaxFieldSize = FieldMax,
        BadDataFound = args => throw new ImportRefusedException(Fault.BadRow,
            $"Line {args.Context.Parser!.RawRow}: a quotation mark stands where none may.", line: args.Context.Parser.RawRow),
    });

    /// <exception cref="ImportRefusedException">Not a table, or not text.</exception>
    public IEnumerable<CsvRow> Rows()
    {
        while (Read())
        {
            var fields = parser.Record!;
            if (fields.Any(f => f.Length > 0))
            {
                yield return new CsvRow(parser.RawRow, fields);
            }
        }
    }

    private bool Read()
    {
        try
        {
            return parser.Read();
        }
        catch (CsvHelperException)
        {
            throw new ImportRefusedException(Fault.BadRow, $"Line {parser.RawRow + 1} cannot be read as separated values.", line: parser.RawRow + 1);
        }
        catch (System.Text.DecoderFallbackException)
        {
            throw new ImportRefusedException(Fault.BadRow, $"The file is not UTF-8 text after line {parser.RawRow}.", line: parser.RawRow + 1);
        }
    }

    public void Dispose() => parser.Dispose();
}
